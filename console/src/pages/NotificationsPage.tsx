import { useQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components/Button";
import { api, body } from "../api/client";
import { useUnreadCount } from "../api/queries";
import { useAddress } from "../parts/address";
import { Tick } from "../parts/fields";
import { NotificationRow, useMarkAllRead } from "../parts/notifications";
import { Pager } from "../parts/pager";
import { Empty, Loaded } from "../parts/states";
import { count } from "../words";

export default function NotificationsPage() {
  const { get, filter } = useAddress();
  const cursor = get("cursor");
  const unread = get("unread") === "true";
  const page = useQuery({
    queryKey: ["notifications", "page", unread, cursor],
    queryFn: () => {
      const query = { limit: 30, ...(unread ? { unread } : {}), ...(cursor ? { cursor } : {}) };
      return body(api.GET("/me/notifications", { params: { query } }));
    },
  });
  const markAll = useMarkAllRead();
  const unreadCount = useUnreadCount().data?.count ?? 0;
  const newest = page.data?.items[0];
  return (
    <>
      <div className="page-head">
        <h1>Notifications</h1>
        {newest && unreadCount > 0 && cursor === undefined && (
          <Button
            className="button"
            isPending={markAll.isPending}
            onPress={() => markAll.mutate(newest.id)}
          >
            Mark all as read
          </Button>
        )}
      </div>
      <div className="filters">
        <Tick selected={unread} onChange={(on) => filter({ unread: on ? "true" : undefined })}>
          Unread only
        </Tick>
      </div>
      <Loaded query={page}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty title={unread ? "No unread notifications" : "No notifications"}>
              <p>You are notified when runs that you start are queued and when they end.</p>
            </Empty>
          ) : (
            <>
              <ul className="notes card">
                {items.map((one) => (
                  <NotificationRow key={one.id} notification={one} />
                ))}
              </ul>
              <Pager next={next_cursor} shown={count(items.length, "notification")} />
            </>
          )
        }
      </Loaded>
    </>
  );
}
