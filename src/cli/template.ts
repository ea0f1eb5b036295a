/** placeholder replaced below */
export async function renderList(
  format: string,
  rows: readonly object[],
  request: { readonly name: string; readonly columns: readonly string[] },
): Promise<string | { cells: string[][] }> {
  void request;
  return rows
    .map(
      (row) =>
        `${format.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, field) => String((row as Record<string, unknown>)[field]))}\n`,
    )
    .join("");
}
