// Sign-in with an API token, kept in this tab until it is closed.

import type { SignIn } from "./session";

const KEY = "tenantatlas.token";

/** Whether a text has the form of an API token. */
export function isApiToken(text: string): boolean {
  return /^tap_[A-Za-z0-9_-]{8,}$/.test(text);
}

export function withApiToken(token: string): SignIn {
  sessionStorage.setItem(KEY, token);
  return kept(token);
}

/** The sign-in of before a reload. */
export function resumed(): SignIn | undefined {
  const token = sessionStorage.getItem(KEY);
  return token ? kept(token) : undefined;
}

function kept(token: string): SignIn {
  return {
    token: async () => token,
    forget: () => sessionStorage.removeItem(KEY),
  };
}
