/** A plain value as YAML, laid out like podman's `info`: two spaces, lists in line with their key. */
export function toYaml(value: object): string {
  return mapping(value, "");
}

function mapping(value: object, indent: string): string {
  let text = "";
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) text += `${indent}${scalar(key)}:${entry(item, indent)}`;
  }
  return text;
}

function entry(item: unknown, indent: string): string {
  if (Array.isArray(item)) return item.length === 0 ? " []\n" : `\n${sequence(item, indent)}`;
  if (typeof item !== "object" || item === null) return ` ${scalar(item, indent)}\n`;
  return Object.keys(item).length === 0 ? " {}\n" : `\n${mapping(item, `${indent}  `)}`;
}

function sequence(items: readonly unknown[], indent: string): string {
  return items
    .map((item) => {
      if (typeof item !== "object" || item === null) return `${indent}- ${scalar(item)}\n`;
      return `${indent}- ${mapping(item, `${indent}  `).trimStart()}`;
    })
    .join("");
}

/** Words that YAML would read as something else, or with characters that mean something, are quoted. */
function scalar(value: unknown, indent = ""): string {
  if (typeof value !== "string") return value === null ? "null" : String(value);
  if (value.includes("\n")) return `|-\n${value.replace(/^/gm, `${indent}  `)}`;
  const plain = /^[A-Za-z_/.][\w ./@+()-]*(:[\w./-]+)*$/.test(value) && !/ $/.test(value);
  const special = /^(true|false|null|yes|no|on|off|y|n|~)$/i.test(value) || /^\.(inf|nan)$/i.test(value);
  return plain && !special ? value : JSON.stringify(value);
}
