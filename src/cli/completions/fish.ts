import { choicesOf, type Flag, type Place, type Tree, valued } from "./tree.ts";

const quoted = (text: string): string =>
  `'${text.replace(/\s+/g, " ").replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

export function fishScript(tree: Tree): string {
  const { name, globals, places } = tree;
  const commands = places.flatMap(({ path, commands }) => commands.map((word) => quoted(`${path}:${word.name}`)));
  const takers = places.flatMap(({ path, flags }) => valued(flags).map((flag) => quoted(`${path}:${flag}`)));
  return `# Completion of ${name} in fish. To install it: ${name} completions fish | source, in ~/.config/fish/config.fish
function __${name}_place
  set -l place
  set -l nth 0
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    switch "$place:$word"
      case ${commands.join(" ")}
        set place (string trim "$place $word")
        set nth 0
      case ${[...takers, ...valued(globals).map((flag) => quoted(`*:${flag}`))].join(" ")}
        set skip 1
      case '*:-*'
      case '*'
        set nth (math $nth + 1)
    end
  end
  echo $place
  echo $nth
end
function __${name}_at
  set -l found (__${name}_place)
  test "$found[1]" = "$argv[1]"; and test (count $argv) = 1 -o "$found[2]" = "$argv[2]"
end
function __${name}_common
  set -l found (__${name}_place)
  not contains -- "$found[1]" ${places
    .filter(({ hasGlobals }) => !hasGlobals)
    .map(({ path }) => quoted(path))
    .join(" ")}
end
complete -c ${name} -e
${globals.map((flag) => `complete -c ${name} -n __${name}_common ${flagWords(flag)}`).join("\n")}
${places.flatMap((place) => placeLines(name, place)).join("\n")}
${choicesOf(tree)
  .filter(({ of }) => !of.startsWith("-"))
  .map(
    ({ path, of, values }) =>
      `complete -c ${name} -n ${quoted(`__${name}_at ${quoted(path)} ${of}`)} -f -a ${quoted(values.join(" "))}`,
  )
  .join("\n")}
`;
}

function placeLines(name: string, { path, commands, flags }: Place): string[] {
  const at = quoted(`__${name}_at ${quoted(path)}`);
  const first = quoted(`__${name}_at ${quoted(path)} 0`);
  return [
    ...commands.map((word) => `complete -c ${name} -n ${first} -f -a ${quoted(word.name)} -d ${quoted(word.about)}`),
    ...flags.map((flag) => `complete -c ${name} -n ${at} ${flagWords(flag)}`),
  ];
}

function flagWords({ names, about, takesValue, values }: Flag): string {
  const switches = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = values.length > 0 ? [`-x -a ${quoted(values.join(" "))}`] : takesValue ? ["-r"] : [];
  return [...switches, ...value, `-d ${quoted(about)}`].join(" ");
}
