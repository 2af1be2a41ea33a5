// Fields of filters and forms, over React Aria: labels and keys are its work.

import { type ReactNode, useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Checkbox } from "react-aria-components/Checkbox";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { SearchField } from "react-aria-components/SearchField";
import { Icon } from "./icons";

export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: [value: string, words: string][];
  onChange: (value: string) => void;
}) {
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

const TYPING_PAUSE = 300;

/** Reports what was typed after a short pause. */
export function Search({
  label,
  value,
  placeholder,
  onChange,
}: {
  label: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the pause
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onChange(typed), TYPING_PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <SearchField className="field grow" value={typed} onChange={setTyped}>
      <Label>{label}</Label>
      <Input {...(placeholder ? { placeholder } : {})} />
    </SearchField>
  );
}

export function Tick({
  selected,
  some = false,
  onChange,
  children,
}: {
  selected: boolean;
  some?: boolean;
  onChange: (selected: boolean) => void;
  children: ReactNode;
}) {
  return (
    <Checkbox
      className="tick"
      isSelected={selected}
      isIndeterminate={some && !selected}
      onChange={onChange}
    >
      <span className="tick-box" aria-hidden="true" />
      <span>{children}</span>
    </Checkbox>
  );
}

export function CloseButton({ label, onPress }: { label: string; onPress: () => void }) {
  return (
    <Button className="icon-button" aria-label={label} onPress={onPress}>
      <Icon name="close" />
    </Button>
  );
}
