CREATE TABLE `quotas` (
	`agent_id` text PRIMARY KEY NOT NULL,
	`day` integer NOT NULL,
	`messages` integer NOT NULL,
	`files` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `traces_by_agent` ON `traces` (`message_id`,`agent_id`,`bytes`);