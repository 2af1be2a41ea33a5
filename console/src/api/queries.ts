// What pages read more than once. Keys begin with the word that `refreshWithRuns` knows.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { answer, api, body } from "./client";

const LONG = 10 * 60_000;
/** The most that the API gives at once. */
const TENANTS_A_PAGE = 200;
const TENANTS_SECONDS = 30;
const TENANT_SECONDS = 5;
const RUN_SECONDS = 2;

export function useMe() {
  return useQuery({ queryKey: ["me"], queryFn: () => body(api.GET("/me")), staleTime: LONG });
}

export function usePolicyTypes() {
  return useQuery({
    queryKey: ["policy-types"],
    queryFn: () => body(api.GET("/policy-types")),
    staleTime: LONG,
  });
}

/** Names of policy types; a key that is not known stands for itself. */
export function usePolicyTypeLabels(): (key: string) => string {
  const types = usePolicyTypes();
  return (key) => types.data?.items.find((type) => type.key === key)?.label ?? key;
}

/**
 * The tenants, page by page; with `all`, further pages are read at once, up to the last one. With `live`,
 * they are read again every now and then, because other members start runs, too.
 */
export function useTenants({ all = false, live = false }) {
  const tenants = useInfiniteQuery({
    queryKey: ["tenants", "list"],
    refetchInterval: live && TENANTS_SECONDS * 1000,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/tenants", {
          params: { query: { limit: TENANTS_A_PAGE, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
  const { hasNextPage, isFetching, isError, fetchNextPage } = tenants;
  useEffect(() => {
    if (all && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [all, hasNextPage, isFetching, isError, fetchNextPage]);
  return tenants;
}

/** Read again every few seconds, because members other than the caller start runs, too. */
export function useTenant(tenantId: string) {
  return useQuery({
    queryKey: ["tenants", tenantId],
    refetchInterval: TENANT_SECONDS * 1000,
    queryFn: () =>
      body(api.GET("/tenants/{tenant_id}", { params: { path: { tenant_id: tenantId } } })),
  });
}

export function useUnreadCount() {
  return useQuery({
    queryKey: ["notifications", "unread-count"],
    queryFn: () => body(api.GET("/me/notifications/unread-count")),
    refetchInterval: 30_000,
  });
}

/** A run, read again as often as the API says, until it has ended. */
export function useRun(runId: string) {
  return useQuery({
    queryKey: ["runs", "one", runId],
    queryFn: () =>
      answer(api.GET("/operation-runs/{run_id}", { params: { path: { run_id: runId } } })),
    refetchInterval: ({ state: { data } }) =>
      data && data.data.status === "completed" ? false : (data?.retryAfter ?? RUN_SECONDS) * 1000,
  });
}

export function useInventorySummary(tenantId: string) {
  return useQuery({
    queryKey: ["inventory", tenantId, "summary"],
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-summary", {
          params: { path: { tenant_id: tenantId } },
        }),
      ),
  });
}
