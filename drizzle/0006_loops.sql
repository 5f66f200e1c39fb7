ALTER TABLE `delegations` ADD `ended_up_to` integer;--> statement-breakpoint
ALTER TABLE `messages` ADD `work_id` integer;--> statement-breakpoint
ALTER TABLE `work` ADD `ended_up_to` integer;--> statement-breakpoint
CREATE INDEX `channel_posts_in_order` ON `channel_posts` (`channel_id`,`conversation_id`,`thread_id`,`message_id`);