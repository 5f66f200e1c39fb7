CREATE TABLE `channel_moves` (
	`channel_id` text NOT NULL,
	`external_id` text NOT NULL,
	`conversation_id` text NOT NULL,
	`moved_to` text NOT NULL,
	`active` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`channel_id`, `external_id`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `channel_moves_from` ON `channel_moves` (`channel_id`,`conversation_id`) WHERE active = 1;--> statement-breakpoint
CREATE INDEX `channel_moves_to` ON `channel_moves` (`channel_id`,`moved_to`) WHERE active = 1;