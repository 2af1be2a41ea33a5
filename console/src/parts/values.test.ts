import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { rows } from "./values";

test("settings come first, by their names and options", () => {
  const content = {
    content: { "/name": "N", "/settings/x": "x_1" },
    settings: [
      {
        field: "/settings/x",
        setting: { id: "x", name: "Firewall" },
        options: [{ id: "x_1", name: "On" }],
      },
    ],
  } as unknown as Schemas["InventoryItemContent"];
  expect(rows(content)).toEqual([
    { pointer: "/settings/x", name: "Firewall", text: "On", settingId: "x" },
    { pointer: "/name", name: "Name", text: "N" },
  ]);
});
