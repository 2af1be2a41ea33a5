// What pages read more than once. Keys begin with the word that `refreshWithRuns` knows.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, body } from "./client";

const LONG = 10 * 60_000;
/** Tenants are searched in the browser; more than this many are read page by page on request. */
const TENANTS_A_PAGE = 100;

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

export function useTenants() {
  return useInfiniteQuery({
    queryKey: ["tenants", "list"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/tenants", {
          params: { query: { limit: TENANTS_A_PAGE, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function useTenant(tenantId: string) {
  return useQuery({
    queryKey: ["tenants", tenantId],
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
