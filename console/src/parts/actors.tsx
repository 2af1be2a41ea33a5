import type { Schemas } from "../api/client";
import { Moment } from "./time";

/** Who changed it, as far as the activity logs say. */
export function Actors({
  attributed,
  actors = [],
}: {
  attributed: Schemas["ActorAttribution"] | undefined;
  actors: Schemas["ChangeActor"][] | undefined;
}) {
  if (actors.length === 0) return null;
  return (
    <p className="actors">
      {attributed === "window" ? "One or more of: " : "By "}
      {actors.map((actor, index) => (
        <span key={`${actor.id}-${actor.at}`}>
          {index > 0 && ", "}
          <strong>{actor.name ?? actor.id ?? "unknown"}</strong>
          {actor.kind === "application" && " (application)"} <Moment at={actor.at} />
        </span>
      ))}
    </p>
  );
}
