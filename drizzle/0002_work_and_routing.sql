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
ALTER TABLE `tokens` ADD `source` text;