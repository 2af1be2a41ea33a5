// Cursor pages: the cursor is in the address, so that the browser's back button is the way back.

import { Link } from "wouter";
import { useAddress } from "./address";

export function Pager({ next, shown }: { next?: string | undefined; shown: string }) {
  const { get, withParameters } = useAddress();
  const later = get("cursor") !== undefined;
  return (
    <nav className="pager" aria-label="Pages">
      <span className="quiet">{shown}</span>
      <span className="pager-links">
        {later && <Link href={withParameters({ cursor: undefined })}>First page</Link>}
        {next && <Link href={withParameters({ cursor: next })}>Next page</Link>}
      </span>
    </nav>
  );
}
