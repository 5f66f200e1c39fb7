/**
 * Ignores requests for a garbage collection. Elysia makes one for each app that it composes, and a run of the tests starts
 * thousands of relays: a sixth of the CPU time of each start. The engine goes on collecting by itself as memory fills.
 */
Bun.gc = () => 0;
