// The installation that is asked, as `cargo xtask conformance` describes it in the environment.

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set: cargo xtask conformance sets it`);
  }
  return value;
}

/** Where the API listens. */
export const url = setting("CONFORMANCE_URL");

/** A user who owns one tenant, and operates the installation. */
export const contoso = { tenant: setting("CONFORMANCE_TENANT"), token: setting("CONFORMANCE_TOKEN") };

/** A user who owns another tenant. */
export const fabrikam = { tenant: setting("CONFORMANCE_OTHER_TENANT"), token: setting("CONFORMANCE_OTHER_TOKEN") };
