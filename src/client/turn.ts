/**
 * Runs `task` after everything that this turn of the event loop still does. Browsers have no `setImmediate`, and let the timers of hidden
 * pages wait for a second.
 */
export function afterTurn(task: () => void): void {
  if (typeof setImmediate === "function") {
    setImmediate(task);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(null);
}
