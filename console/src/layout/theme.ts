// Light or dark: as the system has it, until the reader chooses.

export type Theme = "light" | "dark";
const KEY = "tenantatlas.theme";

function chosen(): Theme | undefined {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : undefined;
}

export function theme(): Theme {
  return chosen() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export function applyTheme(): void {
  const kept = chosen();
  if (kept) document.documentElement.dataset.theme = kept;
}

export function chooseTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  applyTheme();
}
