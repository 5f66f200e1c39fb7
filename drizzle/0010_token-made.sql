ALTER TABLE `a2a_pushes` ADD `token_id` text;--> statement-breakpoint
ALTER TABLE `a2a_pushes` ADD `is_paused` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `a2a_pushes_by_token` ON `a2a_pushes` (`token_id`);--> statement-breakpoint
ALTER TABLE `schedules` ADD `token_id` text;--> statement-breakpoint
CREATE INDEX `schedules_by_token` ON `schedules` (`token_id`);--> statement-breakpoint
ALTER TABLE `webhooks` ADD `token_id` text;--> statement-breakpoint
CREATE INDEX `webhooks_by_token` ON `webhooks` (`token_id`);