import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { api, body, type Schemas } from "../api/client";
import { Choice, Tick } from "./fields";
import FormDialog from "./formDialog";
import { scheduleKey } from "./schedule";

const LONGEST_JITTER = 720;

/** What the form holds. */
export interface Chosen {
  how: "time" | "cron";
  time: string;
  cron: string;
  zone: string;
  jitter: string;
  catchUp: boolean;
}

export function chosenOf(schedule: Schemas["Schedule"] | null, zone: string): Chosen {
  return {
    how: schedule?.cron ? "cron" : "time",
    time: schedule?.time ?? "02:30",
    cron: schedule?.cron ?? "30 2 * * mon-fri",
    zone: schedule?.zone ?? zone,
    jitter: String(schedule?.jitter_minutes ?? 0),
    catchUp: schedule?.catch_up !== "none",
  };
}

export function requestOf(chosen: Chosen): Schemas["ScheduleRequest"] {
  return {
    ...(chosen.how === "time" ? { time: chosen.time } : { cron: chosen.cron.trim() }),
    zone: chosen.zone,
    jitter_minutes: Math.min(Number(chosen.jitter) || 0, LONGEST_JITTER),
    catch_up: chosen.catchUp ? "latest" : "none",
  };
}

export default function ScheduleDialog({
  tenant,
  schedule,
  onClose,
}: {
  tenant: Schemas["Tenant"];
  schedule: Schemas["Schedule"] | null;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [chosen, setChosen] = useState(() => chosenOf(schedule, own));
  const choose = (part: Partial<Chosen>) => setChosen((before) => ({ ...before, ...part }));
  const path = { tenant_id: tenant.id };
  const settled = {
    onSuccess: onClose,
    onSettled: () => queries.invalidateQueries({ queryKey: scheduleKey(tenant.id) }),
  };
  const set = useMutation({
    mutationFn: () =>
      body(api.PUT("/tenants/{tenant_id}/schedule", { params: { path }, body: requestOf(chosen) })),
    ...settled,
  });
  const remove = useMutation({
    mutationFn: () => body(api.DELETE("/tenants/{tenant_id}/schedule", { params: { path } })),
    ...settled,
  });
  const zones = [...new Set([chosen.zone, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort();
  return (
    <FormDialog
      title={`Schedule of ${tenant.name}`}
      send="Set schedule"
      sending={set.isPending}
      problem={set.error ?? remove.error}
      onSend={() => set.mutate()}
      onClose={onClose}
      beside={
        schedule && (
          <Button className="button" isPending={remove.isPending} onPress={() => remove.mutate()}>
            Remove schedule
          </Button>
        )
      }
    >
      <p className="quiet">
        Each due time starts a sync of everything on your behalf, or joins the active one.
      </p>
      <Choice
        label="Repeat"
        value={chosen.how}
        onChange={(how) => choose({ how: how as Chosen["how"] })}
        options={[
          ["time", "Every day"],
          ["cron", "By a cron expression"],
        ]}
      />
      {chosen.how === "time" ? (
        <label className="field">
          <span>Time</span>
          <input
            type="time"
            required
            value={chosen.time}
            onChange={(event) => choose({ time: event.target.value })}
          />
        </label>
      ) : (
        <label className="field">
          <span>Minute, hour, day of month, month, day of week</span>
          <input
            required
            maxLength={200}
            spellCheck={false}
            value={chosen.cron}
            onChange={(event) => choose({ cron: event.target.value })}
          />
        </label>
      )}
      <Choice
        label="Time zone"
        value={chosen.zone}
        onChange={(zone) => choose({ zone })}
        options={zones.map((zone): [string, string] => [zone, zone.replaceAll("_", " ")])}
      />
      <label className="field">
        <span>Longest delay, in minutes</span>
        <input
          aria-describedby="delay-help"
          type="number"
          min={0}
          max={LONGEST_JITTER}
          value={chosen.jitter}
          onChange={(event) => choose({ jitter: event.target.value })}
        />
        <span className="quiet" id="delay-help">
          Each tenant has a delay of its own, so that syncs of many tenants do not start at once.
        </span>
      </label>
      <Tick selected={chosen.catchUp} onChange={(catchUp) => choose({ catchUp })}>
        Catch up <span className="quiet">sync once if no worker ran at a due time</span>
      </Tick>
    </FormDialog>
  );
}
