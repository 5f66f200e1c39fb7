import { choicesOf, inQuotes, type Place, type Tree, valued } from "./tree.ts";

const words = (list: readonly string[]) => list.join(" ");

/** For bash 3.2 and later: macOS has no newer one. */
export function bashScript(tree: Tree): string {
  const { name, globals, places } = tree;
  const choices = choicesOf(tree).map(({ path, of, values }) => `    '${path} ${of}') values='${words(values)}' ;;`);
  return `# Completion of ${name} in bash. To install it: eval "$(${name} completions bash)" in ~/.bashrc
_${name}_place() {
  local globals='${words(globals.flatMap(({ names }) => names))}'
  local globals_valued='${words(valued(globals))}'
  case $1 in
${places.map(placeCase).join("\n")}
  esac
}
_${name}_values() {
  values=
  case $1 in
${choices.join("\n")}
  esac
}
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path='' option='' nth=0 at next word commands options valued values
  _${name}_place ''
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [[ $word == -- ]]; then
      return
    elif [[ " $valued " == *" $word "* ]]; then
      next=$((at + 1))
      # --status=open is three words to bash.
      if [[ \${COMP_WORDS[next]} == '=' ]]; then next=$((next + 1)); fi
      if ((next >= COMP_CWORD)); then option=$word; fi
      at=$next
    elif [[ $word == -* ]]; then
      continue
    elif [[ " $commands " == *" $word "* ]]; then
      path="$path\${path:+ }$word" nth=0
      _${name}_place "$path"
    else
      nth=$((nth + 1))
    fi
  done
  if [[ $cur == '=' ]]; then cur=; fi
  if [[ -n $option ]]; then
    _${name}_values "$path $option"
  elif [[ $cur == -* ]]; then
    values=$options
  else
    _${name}_values "$path $nth"
    if ((nth == 0)); then values="$commands $values"; fi
  fi
  COMPREPLY=($(compgen -W "$values" -- "$cur"))
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

function placeCase({ path, commands, flags, hasGlobals }: Place): string {
  const [common, commonValued] = hasGlobals ? ["$globals ", "$globals_valued "] : ["", ""];
  return [
    `    ${inQuotes(path)}) commands='${words(commands.map(({ name }) => name))}'`,
    `options="${common}${words(flags.flatMap(({ names }) => names))}"`,
    `valued="${commonValued}${words(valued(flags))}" ;;`,
  ].join(" ");
}
