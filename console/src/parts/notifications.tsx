import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { Moment } from "./time";

export function useMarkRead() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      body(
        api.POST("/me/notifications/{notification_id}/read", {
          params: { path: { notification_id: id } },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["notifications"] }),
  });
}

/** Marks the given notification and all older ones. */
export function useMarkAllRead() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (newest: string) =>
      body(api.POST("/me/notifications/mark-read", { body: { up_to: newest } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["notifications"] }),
  });
}

export function NotificationRow({
  notification,
  onFollow,
}: {
  notification: Schemas["Notification"];
  onFollow?: () => void;
}) {
  const mark = useMarkRead();
  const unread = notification.read_at === undefined;
  const { operation_run_id: runId, tenant } = notification;
  const follow = () => {
    if (unread) mark.mutate(notification.id);
    onFollow?.();
  };
  return (
    <li className={unread ? "note unread" : "note"}>
      <div className="note-text">
        <Link href={runId ? `/runs/${runId}` : `/tenants/${tenant.id}`} onClick={follow}>
          {unread && <span className="hidden">Unread: </span>}
          {notification.title}
        </Link>
        <p>{notification.body}</p>
        <p className="note-foot">
          <span className="quiet">
            <Moment at={notification.created_at} />
          </span>
          {unread && (
            <Button
              className="link-button"
              aria-label={`Mark as read: ${notification.title}`}
              isPending={mark.isPending}
              onPress={() => mark.mutate(notification.id)}
            >
              Mark as read
            </Button>
          )}
        </p>
      </div>
    </li>
  );
}
