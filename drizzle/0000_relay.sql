CREATE TABLE `activity` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`verb` text NOT NULL,
	`subject` text NOT NULL,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `activity_by_actor` ON `activity` (`actor`,`id`);--> statement-breakpoint
CREATE INDEX `activity_by_subject` ON `activity` (`subject`,`id`);--> statement-breakpoint
CREATE INDEX `activity_by_verb` ON `activity` (`verb`,`id`);--> statement-breakpoint
CREATE TABLE `acks` (
	`agent_id` text NOT NULL,
	`second` integer NOT NULL,
	`up_to` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `second`)
);
--> statement-breakpoint
CREATE TABLE `agents` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`label` text,
	`role` text,
	`description` text,
	`skills` text NOT NULL,
	`tags` text NOT NULL,
	`capabilities` text NOT NULL,
	`machine` text,
	`rig` text,
	`status` text NOT NULL,
	`ready` integer NOT NULL,
	`reach` text NOT NULL,
	`instance_id` text,
	`epoch` integer NOT NULL,
	`channel` text,
	`meta` text,
	`cursor` integer NOT NULL,
	`acked_at` integer,
	`last_seen_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`deleted_at` integer
);
--> statement-breakpoint
CREATE TABLE `groups` (
	`target` text PRIMARY KEY NOT NULL,
	`members` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `instances` (
	`agent_id` text NOT NULL,
	`instance_id` text NOT NULL,
	`epoch` integer NOT NULL,
	`registered_at` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `instance_id`)
);
--> statement-breakpoint
CREATE TABLE `memberships` (
	`agent_id` text NOT NULL,
	`target` text NOT NULL,
	`since_id` integer NOT NULL,
	`until_id` integer,
	PRIMARY KEY(`agent_id`, `target`, `since_id`)
);
--> statement-breakpoint
CREATE INDEX `memberships_by_target` ON `memberships` (`target`,`agent_id`);--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`role` text NOT NULL,
	`agent_id` text,
	`groups` text,
	`prefix` text,
	`name` text,
	`enrolled_by` text,
	`enrolled_for` text,
	`created_by` text,
	`idempotency_key` text,
	`fingerprint` text,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_by_hash` ON `tokens` (`hash`);--> statement-breakpoint
CREATE INDEX `tokens_by_agent` ON `tokens` (`agent_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_by_key` ON `tokens` (`created_by`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE TABLE `due` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`kind` text NOT NULL,
	`key` text NOT NULL,
	`at` integer NOT NULL,
	`tries` integer NOT NULL,
	`last_error` text,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `due_by_key` ON `due` (`kind`,`key`);--> statement-breakpoint
CREATE INDEX `due_by_time` ON `due` (`at`);--> statement-breakpoint
CREATE TABLE `attempts` (
	`message_id` integer NOT NULL,
	`fence` integer NOT NULL,
	`agent_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`claimed_at` integer NOT NULL,
	`renewed_at` integer,
	`ended_at` integer,
	`outcome` text,
	`error` text,
	`result_id` integer,
	PRIMARY KEY(`message_id`, `fence`)
);
--> statement-breakpoint
CREATE TABLE `losses` (
	`agent_id` text PRIMARY KEY NOT NULL,
	`last_id` integer NOT NULL,
	`lost` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `marks` (
	`name` text PRIMARY KEY NOT NULL,
	`position` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `messages` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`from_id` text NOT NULL,
	`target` text NOT NULL,
	`kind` text NOT NULL,
	`topic` text,
	`subject` text,
	`body` text NOT NULL,
	`opaque` integer NOT NULL,
	`thread_id` integer,
	`reply_to` integer,
	`caused_by` integer,
	`root_id` integer,
	`hops` integer NOT NULL,
	`claimable` integer NOT NULL,
	`urgent` integer NOT NULL,
	`route` text,
	`payload` text,
	`meta` text,
	`idempotency_key` text,
	`fingerprint` text,
	`via` text,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	`matched` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `messages_by_target` ON `messages` (`target`,`id`,`from_id`);--> statement-breakpoint
CREATE INDEX `messages_by_thread` ON `messages` (`thread_id`,`id`) WHERE thread_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_key` ON `messages` (`idempotency_key`,`from_id`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE TABLE `offers` (
	`id` integer PRIMARY KEY NOT NULL,
	`agent_id` text NOT NULL,
	`instance_id` text,
	`connection` text NOT NULL,
	`transport` text NOT NULL,
	`after_id` integer NOT NULL,
	`up_to_id` integer NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `offers_by_agent` ON `offers` (`agent_id`,`up_to_id`);--> statement-breakpoint
CREATE TABLE `reads` (
	`message_id` integer NOT NULL,
	`agent_id` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`message_id`, `agent_id`)
);
--> statement-breakpoint
CREATE TABLE `scheduled_messages` (
	`id` text PRIMARY KEY NOT NULL,
	`from_id` text NOT NULL,
	`draft` text NOT NULL,
	`via` text,
	`deliver_at` integer NOT NULL,
	`idempotency_key` text,
	`fingerprint` text,
	`message_id` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `scheduled_by_key` ON `scheduled_messages` (`from_id`,`idempotency_key`) WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX `scheduled_by_message` ON `scheduled_messages` (`message_id`);--> statement-breakpoint
CREATE TABLE `work` (
	`message_id` integer PRIMARY KEY NOT NULL,
	`target` text NOT NULL,
	`kind` text NOT NULL,
	`topic` text NOT NULL,
	`urgent` integer NOT NULL,
	`state` text NOT NULL,
	`due_at` integer,
	`expires_at` integer,
	`max_attempts` integer NOT NULL,
	`attempts` integer NOT NULL,
	`fence` integer NOT NULL,
	`holder` text,
	`claimed_at` integer,
	`lease_seconds` integer,
	`error` text,
	`ended_at` integer
);
--> statement-breakpoint
CREATE INDEX `work_open` ON `work` (`target`,urgent desc,`message_id`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `work_open_by_topic` ON `work` (`target`,`kind`,`topic`,urgent desc,`message_id`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `work_due` ON `work` (`due_at`) WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX `work_held` ON `work` (`holder`,`message_id`) WHERE state = 'claimed';--> statement-breakpoint
CREATE INDEX `work_dead` ON `work` (`message_id`) WHERE state = 'dead';