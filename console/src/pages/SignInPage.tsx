import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { isApiToken, withApiToken } from "../session/apiToken";
import { begin, signOut, whyEnded } from "../session/session";

const REFUSED = "The API did not accept the token. It may have been revoked, or have expired.";

export function SignInPage() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(whyEnded() === "refused" ? REFUSED : undefined);
  const [asking, setAsking] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const given = token.trim();
    if (!isApiToken(given)) {
      setProblem("An API token begins with tap_ and is shown once, when it is created.");
      return;
    }
    setAsking(true);
    try {
      const headers = { authorization: `Bearer ${given}` };
      const response = await fetch("/me", { headers, cache: "no-store" });
      if (response.ok) begin(withApiToken(given));
      else setProblem(response.status === 401 ? REFUSED : `The API answered ${response.status}.`);
    } catch {
      signOut();
      setProblem("The API cannot be reached.");
    }
    setAsking(false);
  };
  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <img src="/console/icon.svg" alt="" width="44" height="44" />
        <h1>Sign in to TenantAtlas</h1>
        <label className="field">
          <span>API token</span>
          <input
            type="password"
            value={token}
            autoComplete="off"
            spellCheck={false}
            placeholder="tap_…"
            aria-invalid={problem !== undefined}
            aria-describedby={problem ? "token-problem" : "token-help"}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        {problem && (
          <p id="token-problem" className="notice bad" role="alert">
            {problem}
          </p>
        )}
        <Button className="button primary" type="submit" isPending={asking}>
          Sign in
        </Button>
        <p id="token-help" className="quiet">
          The token stays in this tab until you sign out or close it. Whoever runs this installation
          creates one with <code>atlas token create</code>.
        </p>
      </form>
    </main>
  );
}
