/** Operation of the idempotency keys of what is said in chats. */
export const SAY = "chat";
