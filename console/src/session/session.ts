// Who is signed in. A way to sign in supplies bearer tokens; the API token is the only one yet.
// Entra sign-in is another `SignIn` whose `token` renews what it returns.

export interface SignIn {
  /** A token that is valid now; undefined ends the session. */
  token(): Promise<string | undefined>;
  /** Removes what the browser keeps. */
  forget(): void;
}

type Ended = "signed_out" | "refused";

let current: SignIn | undefined;
let ended: Ended | undefined;
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function signedIn(): boolean {
  return current !== undefined;
}

/** Why the last session ended. */
export function whyEnded(): Ended | undefined {
  return ended;
}

export function begin(signIn: SignIn): void {
  current = signIn;
  ended = undefined;
  changed();
}

export function signOut(): void {
  end("signed_out");
}

/** The API did not accept the token. */
export function refused(): void {
  if (current) end("refused");
}

function end(why: Ended): void {
  current?.forget();
  current = undefined;
  ended = why;
  changed();
}

export async function bearer(): Promise<string | undefined> {
  return current?.token();
}
