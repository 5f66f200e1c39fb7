CREATE TABLE `idempotency_keys` (
	`sender` text NOT NULL,
	`key` text NOT NULL,
	`operation` text NOT NULL,
	`fingerprint` text NOT NULL,
	`subject` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`key`, `sender`)
);
--> statement-breakpoint
CREATE TABLE `traces` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`message_id` integer NOT NULL,
	`number` integer NOT NULL,
	`agent_id` text NOT NULL,
	`via` text,
	`level` integer NOT NULL,
	`type` text NOT NULL,
	`created_at` integer NOT NULL,
	`bytes` integer NOT NULL,
	`bytes_so_far` integer NOT NULL,
	`content` text NOT NULL,
	`metadata` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `traces_by_message` ON `traces` (`message_id`,`number`);--> statement-breakpoint
ALTER TABLE `tokens` ADD `source` text;