import { choicesOf, type Flag, inQuotes, type Place, type Tree, valued, type Word } from "./tree.ts";

const list = (words: readonly string[]) => words.join(" ");

export function zshScript(tree: Tree): string {
  const { name, globals, places } = tree;
  const choices = choicesOf(tree).map(({ path, of, values }) => `    '${path} ${of}') values=(${list(values)}) ;;`);
  return `#compdef ${name}
# Completion of ${name} in zsh. To install it: eval "$(${name} completions zsh)" in ~/.zshrc, after compinit
_${name}_place() {
  local -a globals=(${list(globals.flatMap(flagWords).map(described))})
  local -a globals_valued=(${list(valued(globals))})
  case $1 in
${places.map(placeCase).join("\n")}
  esac
}
_${name}_values() {
  values=()
  case $1 in
${choices.join("\n")}
  esac
}
_${name}() {
  local place='' option='' word
  local -i nth=0 at
  local -a commands options valued values
  _${name}_place ''
  for ((at = 2; at < CURRENT; at++)); do
    word=$words[at]
    if [[ $word == -- ]]; then
      _files
      return
    elif (($valued[(Ie)$word])); then
      ((at++))
      if ((at == CURRENT)); then option=$word; fi
    elif [[ $word == -* ]]; then
      continue
    elif (($commands[(I)$word:*])); then
      place="$place\${place:+ }$word" nth=0
      _${name}_place "$place"
    else
      ((nth++))
    fi
  done
  if [[ -z $option && $words[CURRENT] == --*=* ]]; then
    option=\${words[CURRENT]%%=*}
    compset -P '*='
  fi
  if [[ -n $option ]]; then
    _${name}_values "$place $option"
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o option options
    return
  else
    _${name}_values "$place $nth"
    if ((nth == 0 && $#commands)); then _describe command commands; fi
  fi
  if (($#values)); then compadd -- $values; elif ((!$#commands || nth)); then _files; fi
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function placeCase({ path, commands, flags, hasGlobals }: Place): string {
  const [common, commonValued] = hasGlobals ? ['"$globals[@]" ', '"$globals_valued[@]" '] : ["", ""];
  return [
    `    ${inQuotes(path)}) commands=(${list(commands.map(described))})`,
    `options=(${common}${list(flags.flatMap(flagWords).map(described))})`,
    `valued=(${commonValued}${list(valued(flags))}) ;;`,
  ].join("\n      ");
}

const flagWords = ({ names, about }: Flag): Word[] => names.map((name) => ({ name, about }));

const described = ({ name, about }: Word): string => inQuotes(`${name}:${about}`);
