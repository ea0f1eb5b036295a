/** A text to read that belongs to no single command: `kelp help NAME`, and mostly a man page too. */
export interface Topic {
  readonly name: string;
  readonly summary: string;
  /** Section of the manual and the page's name; absent: part of kelp(1). */
  readonly page?: { readonly name: string; readonly section: 5 | 7 };
  readonly sections: readonly TopicSection[];
}

export interface TopicSection {
  readonly title: string;
  /** Paragraphs, and terms with what they mean. Lines of a term's text are filled. */
  readonly body: readonly (string | readonly [term: string, text: string] | Verbatim)[];
}

/** Shown line by line as it is. */
export interface Verbatim {
  readonly lines: readonly string[];
}
