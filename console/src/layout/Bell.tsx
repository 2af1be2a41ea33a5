// Unread notifications. The whole list is a page; the bell shows the newest.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { DialogTrigger } from "react-aria-components/Dialog";
import { Popover } from "react-aria-components/Popover";
import { Link } from "wouter";
import { api, body } from "../api/client";
import { useUnreadCount } from "../api/queries";
import { Icon } from "../parts/icons";
import { NotificationRow, useMarkAllRead } from "../parts/notifications";
import { Loaded } from "../parts/states";

const NEWEST = 8;

export function Bell() {
  const [open, setOpen] = useState(false);
  const unread = useUnreadCount();
  const count = unread.data?.count ?? 0;
  const shown = unread.data?.capped ? `${count}+` : String(count);
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <Button
        className="icon-button bell"
        aria-label={count > 0 ? `Notifications, ${shown} unread` : "Notifications"}
      >
        <Icon name="bell" />
        {count > 0 && (
          <span className="bell-count" aria-hidden="true">
            {shown}
          </span>
        )}
      </Button>
      {/* The popover itself is the dialog, so that its hidden buttons are inside of one, too. */}
      <Popover className="popover" placement="bottom end" aria-label="Notifications">
        <div className="bell-list">
          <Newest unread={count} close={() => setOpen(false)} />
        </div>
      </Popover>
    </DialogTrigger>
  );
}

function Newest({ unread, close }: { unread: number; close: () => void }) {
  const newest = useQuery({
    queryKey: ["notifications", "newest"],
    queryFn: () => body(api.GET("/me/notifications", { params: { query: { limit: NEWEST } } })),
  });
  const markAll = useMarkAllRead();
  return (
    <>
      <div className="bell-head">
        <h2>Notifications</h2>
        {unread > 0 && newest.data?.items[0] && (
          <Button
            className="link-button"
            isPending={markAll.isPending}
            onPress={() => newest.data.items[0] && markAll.mutate(newest.data.items[0].id)}
          >
            Mark all as read
          </Button>
        )}
      </div>
      <Loaded query={newest} rows={3}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="quiet bell-empty">
              Nothing yet. You are notified when runs that you start are queued and when they end.
            </p>
          ) : (
            <ul className="notes">
              {items.map((one) => (
                <NotificationRow key={one.id} notification={one} onFollow={close} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <p className="bell-foot">
        <Link href="/notifications" onClick={close}>
          All notifications
        </Link>
      </p>
    </>
  );
}
