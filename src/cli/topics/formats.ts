import type { Topic } from "./topic.ts";

export const FORMATS: Topic = {
  name: "formats",
  summary: "What --format knows: JSON, tables and Go templates",
  page: { name: "kelp-formats", section: 7 },
  sections: [
    {
      title: "Three ways",
      body: [
        ["--format json", "What podman prints, so that scripts with jq go on working."],
        [
          "--format 'table {{.ID}} {{.Names}}'",
          "A table of these fields with their headings; --noheading leaves them out.",
        ],
        [
          "--format '{{.ID}}: {{.Names}}'",
          "One line for each object. \\t and \\n are a tab and the end of a line. A template that begins with {{range .}} gets all objects at once.",
        ],
        "Fields have podman's names. `--format '{{json .}}'` shows what there is; inspect and info have structures inside structures: '{{.NetworkSettings.IPAddress}}', '{{.host.os}}'.",
      ],
    },
    {
      title: "The language",
      body: [
        "It is Go's text/template:",
        ["{{.Field}} {{.Map.key}} {{$x := .Field}}{{$x}}", "A value; a variable."],
        [
          "{{if X}}…{{else if Y}}…{{else}}…{{end}}",
          "Empty text, 0, false, empty lists and maps count as no.",
        ],
        [
          "{{range .List}}…{{else}}…{{end}}, {{range $i, $x := .List}}",
          "Over lists, maps and numbers; {{break}}, {{continue}}.",
        ],
        [
          '{{with X}}…{{end}}, {{define "NAME"}}…{{end}}, {{template "NAME" X}}, {{block "NAME" X}}…{{end}}',
          "As in Go.",
        ],
        ['{{X | lower | printf "%q"}}', "A pipeline: the last argument comes from the left."],
        ["{{- X -}}", "Takes away white space on that side."],
      ],
    },
    {
      title: "Functions",
      body: [
        ["and or not eq ne lt le gt ge", "Logic and comparison; eq takes several to compare with the first."],
        ["index slice len call", "Into lists, maps and texts."],
        ["print println printf", "With Go's verbs: %s %q %v %d %5.2f %x %t %T …"],
        ["html js urlquery", "Escaping."],
        ["json", "The value as JSON on one line."],
        ["join LIST SEPARATOR, split TEXT SEPARATOR", "Lists and texts."],
        ["upper lower title", "Letters."],
        ["pad TEXT BEFORE AFTER, truncate TEXT N", "Spaces around; the first N characters."],
      ],
    },
    {
      title: "Examples",
      body: [
        {
          lines: [
            "kelp ps --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'",
            "kelp images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
            "kelp inspect --format '{{range .Mounts}}{{.Source}} {{end}}' web",
            "kelp info --format '{{.store.graphRoot}}'",
          ],
        },
      ],
    },
  ],
};
