// Second file of a built program: the relay and all commands. `serve` leaves the commands unloaded: they cost a start 30 ms of CPU.
const [command, ...words] = process.argv.slice(2);
if (command === "serve") void import("../main.ts").then(({ serve }) => serve(words));
else void import("./main.ts").then(({ main }) => main());
