import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link, useLocation } from "wouter";
import { useMe } from "../api/queries";
import { Icon } from "../parts/icons";
import { signOut } from "../session/session";
import { Bell } from "./Bell";
import { RunWidget } from "./RunWidget";
import { chooseTheme, theme } from "./theme";

const PLACES = [
  { href: "/", words: "Tenants", within: "/tenants" },
  { href: "/runs", words: "Runs", within: "/runs" },
  { href: "/operations", words: "Operations", within: "/operations" },
];

/** What stands around every page: navigation, notifications, the progress of runs. */
export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // A new page is read from its beginning, by eye and by screen reader.
  const page = path.split("/").slice(0, 5).join("/");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the page is what moves the focus
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [page]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link className="brand" href="/">
          <img src="/console/icon.svg" alt="" width="24" height="24" />
          <span>TenantAtlas</span>
        </Link>
        <nav className="places" aria-label="Main">
          {PLACES.map(({ href, words, within }) => (
            <Link
              key={href}
              href={href}
              aria-current={path === href || path.startsWith(within) ? "page" : undefined}
            >
              {words}
            </Link>
          ))}
        </nav>
        <div className="tools">
          <Bell />
          <ThemeButton />
          <Account />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <RunWidget />
    </>
  );
}

function ThemeButton() {
  const [now, setNow] = useState(theme);
  const next = now === "dark" ? "light" : "dark";
  return (
    <Button
      className="icon-button"
      aria-label={`Use the ${next} theme`}
      onPress={() => {
        chooseTheme(next);
        setNow(next);
      }}
    >
      <Icon name={now === "dark" ? "sun" : "moon"} />
    </Button>
  );
}

function Account() {
  const me = useMe();
  return (
    <>
      <span className="account" title={me.data?.email}>
        {me.data?.display_name}
      </span>
      <Button className="icon-button" aria-label="Sign out" onPress={signOut}>
        <Icon name="out" />
      </Button>
    </>
  );
}
