// The picker: what an inventory sync reads.

import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import type { Schemas } from "../api/client";
import { usePolicyTypes } from "../api/queries";
import { count } from "../words";
import { CloseButton, Search, Tick } from "./fields";
import { Loaded } from "./states";
import type { SelectionRequest } from "./sync";

type PolicyType = Schemas["PolicyType"];

/** The policy types by category, without foundations, which a switch selects together. */
export function byCategory(types: PolicyType[]): [category: string, types: PolicyType[]][] {
  const groups = new Map<string, PolicyType[]>();
  for (const type of types) {
    if (type.foundation) continue;
    groups.set(type.category, [...(groups.get(type.category) ?? []), type]);
  }
  return [...groups].sort(([left], [right]) => left.localeCompare(right));
}

/** The request of a choice. All types are not listed, so that the selection is the default one. */
export function selectionOf(
  chosen: Set<string>,
  all: PolicyType[],
  options: { foundations: boolean; dependencies: boolean; verify: boolean },
): SelectionRequest {
  const policies = all.filter((type) => !type.foundation);
  const everything = policies.every((type) => chosen.has(type.key));
  return {
    ...(everything
      ? {}
      : { policy_types: policies.map((one) => one.key).filter((key) => chosen.has(key)) }),
    include_foundations: options.foundations,
    include_dependencies: options.dependencies,
    ...(options.verify ? { verify: "all" as const } : {}),
  };
}

export default function SelectionDialog({
  name,
  onStart,
}: {
  name: string;
  onStart: (selection: SelectionRequest) => void;
}) {
  const types = usePolicyTypes();
  return (
    <ModalOverlay className="overlay" isDismissable>
      <Modal className="modal">
        <Dialog className="dialog">
          {({ close }) => (
            <>
              <div className="dialog-head">
                <Heading slot="title">Sync {name}</Heading>
                <CloseButton label="Close" onPress={close} />
              </div>
              <Loaded query={types}>
                {({ items }) => <Picker types={items} onStart={onStart} cancel={close} />}
              </Loaded>
            </>
          )}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function Picker({
  types,
  onStart,
  cancel,
}: {
  types: PolicyType[];
  onStart: (selection: SelectionRequest) => void;
  cancel: () => void;
}) {
  const policies = types.filter((type) => !type.foundation);
  const [chosen, setChosen] = useState(() => new Set(policies.map((type) => type.key)));
  const [foundations, setFoundations] = useState(true);
  const [dependencies, setDependencies] = useState(true);
  const [verify, setVerify] = useState(false);
  const [text, setText] = useState("");
  const set = (keys: string[], selected: boolean) =>
    setChosen((before) => {
      const after = new Set(before);
      for (const key of keys) selected ? after.add(key) : after.delete(key);
      return after;
    });
  const matching = types.filter((type) => type.label.toLowerCase().includes(text.toLowerCase()));
  return (
    <>
      <div className="dialog-body">
        <div className="picker-head">
          <Search label="Find a policy type" value={text} onChange={setText} />
          <Tick
            selected={chosen.size === policies.length}
            some={chosen.size > 0}
            onChange={(selected) =>
              set(
                policies.map((type) => type.key),
                selected,
              )
            }
          >
            All policy types
          </Tick>
        </div>
        <div className="picker">
          {byCategory(matching).map(([category, members]) => {
            const keys = members.map((type) => type.key);
            const selected = keys.filter((key) => chosen.has(key)).length;
            return (
              <fieldset key={category}>
                <legend>
                  <Tick
                    selected={selected === keys.length}
                    some={selected > 0}
                    onChange={(all) => set(keys, all)}
                  >
                    {category}
                  </Tick>
                  <span className="quiet number">
                    {selected}/{keys.length}
                  </span>
                </legend>
                {members.map((type) => (
                  <Tick
                    key={type.key}
                    selected={chosen.has(type.key)}
                    onChange={(on) => set([type.key], on)}
                  >
                    {type.label}
                  </Tick>
                ))}
              </fieldset>
            );
          })}
        </div>
        <fieldset className="options">
          <legend>Options</legend>
          <Tick selected={foundations} onChange={setFoundations}>
            Foundations <span className="quiet">filters, scope tags, templates and the like</span>
          </Tick>
          <Tick selected={dependencies} onChange={setDependencies}>
            Dependencies <span className="quiet">links to groups, filters and other objects</span>
          </Tick>
          <Tick selected={verify} onChange={setVerify}>
            Verify all values{" "}
            <span className="quiet">
              read them again although the policies have not moved; slower
            </span>
          </Tick>
        </fieldset>
      </div>
      <div className="dialog-foot">
        <span className="quiet">{count(chosen.size, "policy type")}</span>
        <Button className="button" onPress={cancel}>
          Cancel
        </Button>
        <Button
          className="button primary"
          isDisabled={chosen.size === 0 && !foundations}
          onPress={() => onStart(selectionOf(chosen, types, { foundations, dependencies, verify }))}
        >
          Start sync
        </Button>
      </div>
    </>
  );
}
