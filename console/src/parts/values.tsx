// What an item says, under readable names. Settings come first: they are what people decide.

import { useState } from "react";
import { Link } from "wouter";
import type { Schemas } from "../api/client";
import { count, fieldName, valueText } from "../words";
import { Search } from "./fields";

export interface Row {
  pointer: string;
  name: string;
  text: string;
  /** The setting's identifier, to look for other policies that set it. */
  settingId?: string;
}

export function rows(content: Schemas["InventoryItemContent"]): Row[] {
  const settings = new Map(content.settings?.map((one) => [one.field, one]));
  const all = Object.entries(content.content ?? {}).map(([pointer, value]): Row => {
    const known = settings.get(pointer);
    return {
      pointer,
      name: known?.setting.name ?? fieldName(pointer),
      text: valueText(value, known?.options),
      ...(known ? { settingId: known.setting.id } : {}),
    };
  });
  return all.sort(
    (left, right) => Number(right.settingId !== undefined) - Number(left.settingId !== undefined),
  );
}

const FIRST = 200;

export function Values({
  content,
  tenantId,
}: {
  content: Schemas["InventoryItemContent"];
  tenantId: string;
}) {
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const wanted = text.toLowerCase();
  const found = rows(content).filter((row) =>
    `${row.name} ${row.text}`.toLowerCase().includes(wanted),
  );
  const shown = all ? found : found.slice(0, FIRST);
  return (
    <>
      <Search label="Find a value" value={text} onChange={setText} />
      <dl className="values card">
        {shown.map((row) => (
          <div key={row.pointer}>
            <dt title={row.pointer}>{row.name}</dt>
            <dd>
              <span className={row.text.startsWith("Redacted") ? "quiet" : ""}>{row.text}</span>
              {row.settingId && (
                <Link
                  className="beside"
                  href={`/tenants/${tenantId}/settings?setting_id=${encodeURIComponent(row.settingId)}`}
                >
                  Other policies <span className="hidden">{row.name}</span>
                </Link>
              )}
            </dd>
          </div>
        ))}
      </dl>
      {found.length === 0 && <p className="quiet">No value matches.</p>}
      {found.length > shown.length && (
        <button type="button" className="button" onClick={() => setAll(true)}>
          Show {count(found.length - shown.length, "more value")}
        </button>
      )}
    </>
  );
}
