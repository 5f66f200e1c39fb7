CREATE VIRTUAL TABLE `search` USING fts5(`subject`, `body`, `who`, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
--> statement-breakpoint
INSERT INTO `marks` (`name`, `position`) VALUES ('floor', 0), ('indexed', 0);
