ALTER TABLE `agents` ADD `deleted_by` text;--> statement-breakpoint
CREATE INDEX `agents_tombstones` ON `agents` (`deleted_at`) WHERE deleted_at is not null and name <> '';--> statement-breakpoint
ALTER TABLE `channel_bindings` ADD `ended_at` integer;--> statement-breakpoint
CREATE INDEX `channel_bindings_by_fallback` ON `channel_bindings` (`fallback`) WHERE fallback is not null;--> statement-breakpoint
CREATE INDEX `a2a_pushes_by_owner` ON `a2a_pushes` (`owner_id`);--> statement-breakpoint
CREATE INDEX `work_delayed` ON `work` (`target`,`message_id`) WHERE state = 'delayed';