// What a page shows instead of its content: loading, nothing, a failure, no permission.

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";

export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div className="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike and never move
        <div className="loading-row" key={row} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Failure({
  error,
  retry,
  page = false,
}: {
  error: unknown;
  retry?: () => void;
  /** Whether it stands in the place of a whole page. */
  page?: boolean;
}) {
  const Title = page ? "h1" : "h2";
  const problem = error instanceof ApiError ? error.problem : undefined;
  const text = error instanceof Error ? error.message : String(error);
  const title =
    problem?.status === 403
      ? "You do not have permission"
      : problem?.status === 404
        ? "Not found"
        : (problem?.title ?? "Something went wrong");
  return (
    <div className="state" role="alert">
      <Title>{title}</Title>
      <p>{text}</p>
      {problem?.required_permission && (
        <p>
          The permission <code>{problem.required_permission}</code> is needed. An owner of the
          tenant can give it to you.
        </p>
      )}
      {problem?.hint && <p>{problem.hint}</p>}
      {problem && (
        <p className="quiet">
          Request <code>{problem.request_id}</code>
        </p>
      )}
      {retry && problem?.status !== 403 && problem?.status !== 404 && (
        <Button className="button" onPress={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** The content of a query, or the state that stands in its place. Old content stays while it is read again. */
export function Loaded<T>({
  query,
  rows,
  page = false,
  children,
}: {
  query: UseQueryResult<T, unknown>;
  rows?: number;
  /** Whether it is the content of a whole page. */
  page?: boolean;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && (
          <p className="notice warning" role="alert">
            This may be out of date:{" "}
            {query.error instanceof Error ? query.error.message : "it could not be read again."}
          </p>
        )}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) {
    return <Failure error={query.error} retry={() => void query.refetch()} page={page} />;
  }
  return <Loading {...(rows ? { rows } : {})} />;
}
