// Filters live in the address, so that a page can be sent to somebody and the back button works.

import { useLocation, useSearch } from "wouter";

type Value = string | string[] | undefined;

/** A query string with some parameters replaced; undefined and empty ones are left out. */
export function replaced(search: string, changes: Record<string, Value>): string {
  const parameters = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    parameters.delete(name);
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    for (const one of values) if (one !== "") parameters.append(name, one);
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

export function useAddress() {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const parameters = new URLSearchParams(search);
  return {
    search,
    get: (name: string): string | undefined => parameters.get(name) ?? undefined,
    all: (name: string): string[] => parameters.getAll(name),
    withParameters: (changes: Record<string, Value>) => path + replaced(search, changes),
    /** Filters begin at the first page again. Typing replaces the entry of the history. */
    filter: (changes: Record<string, Value>, typing = false) =>
      navigate(path + replaced(search, { ...changes, cursor: undefined }), { replace: typing }),
  };
}
