import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { Route, Router, Switch } from "wouter";
import { ApiError, forgetBodies } from "./api/client";
import { Shell } from "./layout/Shell";
import { followStream, forgetJoined, refreshWithRuns } from "./live/useActiveRuns";
import { SignInPage } from "./pages/SignInPage";
import { TenantsPage } from "./pages/TenantsPage";
import { Loading } from "./parts/states";
import { signedIn, subscribe } from "./session/session";

const RunsPage = lazy(() => import("./pages/RunsPage"));
const RunPage = lazy(() => import("./pages/RunPage"));
const NotificationsPage = lazy(() => import("./pages/NotificationsPage"));
const TenantPage = lazy(() => import("./pages/TenantPage"));
const OperatorsPage = lazy(() => import("./pages/OperatorsPage"));

function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // A refusal stays one; only what could not be reached is worth another try.
        retry: (failures, error) =>
          failures < 2 && !(error instanceof ApiError && (error.problem?.status ?? 500) < 500),
      },
    },
  });
}

export function App() {
  const inside = useSyncExternalStore(subscribe, signedIn);
  return <Router base="/console">{inside ? <Session /> : <SignInPage />}</Router>;
}

/** What one sign-in sees. Nothing of it is left for the next one. */
function Session() {
  const [queries] = useState(newQueries);
  useEffect(() => {
    const stop = refreshWithRuns(queries);
    const stopStream = followStream();
    return () => {
      stop();
      stopStream();
      forgetBodies();
      forgetJoined();
    };
  }, [queries]);
  return (
    <QueryClientProvider client={queries}>
      <Shell>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/" component={TenantsPage} />
            <Route path="/runs" component={RunsPage} />
            <Route path="/runs/:run">{({ run }) => <RunPage key={run} runId={run} />}</Route>
            <Route path="/notifications" component={NotificationsPage} />
            <Route path="/operations" component={OperatorsPage} />
            <Route path="/tenants/:tenant/*?">
              {({ tenant }) => <TenantPage key={tenant} tenantId={tenant} />}
            </Route>
            <Route>
              <h1>There is no such page</h1>
              <p>The address may be mistyped.</p>
            </Route>
          </Switch>
        </Suspense>
      </Shell>
    </QueryClientProvider>
  );
}
