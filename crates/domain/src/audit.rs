//! The words of the audit log.

use crate::words::words;

words! {
    /// What was done, or tried.
    pub enum AuditAction: "action of the audit log" {
        /// A run was asked for and recorded.
        RunStarted = "operation_run.started",
        /// A run was asked for while the same one was active.
        RunJoined = "operation_run.joined",
        /// A run was asked for by a member whose role does not permit it.
        RunStartDenied = "operation_run.start_denied",
        /// A run was asked to be repeated by a member whose role does not permit it.
        RunRetryDenied = "operation_run.retry_denied",
        /// A queued run was cancelled.
        RunCancelled = "operation_run.cancelled",
        /// A running run was asked to stop.
        RunCancelRequested = "operation_run.cancel_requested",
        /// A run was asked to stop by a member whose role does not permit it.
        RunCancelDenied = "operation_run.cancel_denied",
        /// A run reached its end.
        RunCompleted = "operation_run.completed",
        /// The schedule of a tenant was set.
        ScheduleSet = "schedule.set",
        ScheduleRemoved = "schedule.removed",
        /// A schedule stopped, because who set it may not sync the tenant any more.
        ScheduleStopped = "schedule.stopped",
        /// A schedule was to be set or removed by a member whose role does not permit it.
        ScheduleChangeDenied = "schedule.change_denied",
        /// An endpoint for events was created.
        WebhookCreated = "webhook.created",
        /// The address, the event types or the state of an endpoint were changed by its owner.
        WebhookChanged = "webhook.changed",
        WebhookSecretRotated = "webhook.secret_rotated",
        /// The secrets of an endpoint were encrypted again for the current key.
        WebhookKeyRotated = "webhook.key_rotated",
        /// An endpoint was disabled, because its receiver wants no more or failed for too long, or because its
        /// owner was disabled.
        WebhookDisabled = "webhook.disabled",
        WebhookDeleted = "webhook.deleted",
        TenantAdded = "tenant.added",
        /// A tenant was disabled: nothing is started for it, and what was active was cancelled.
        TenantDisabled = "tenant.disabled",
        TenantEnabled = "tenant.enabled",
        /// A tenant was removed with everything of it, its own entries of this log included.
        TenantRemoved = "tenant.removed",
        /// A tenant's credentials were stored or replaced.
        CredentialsStored = "tenant.credentials_stored",
        /// A tenant's credentials were encrypted again with the current key.
        CredentialsRotated = "tenant.credentials_rotated",
        /// A user's role in a tenant was set.
        MemberSet = "member.set",
        /// A membership was ended.
        MemberRemoved = "member.removed",
        UserAdded = "user.added",
        /// A user was made an operator of the installation.
        OperatorAdded = "user.operator_added",
        /// A user is no operator of the installation any more.
        OperatorWithdrawn = "user.operator_withdrawn",
        /// A user was disabled: no token of theirs works.
        UserDisabled = "user.disabled",
        UserEnabled = "user.enabled",
        UserRemoved = "user.removed",
        /// A person's data were erased; a pseudonym stays.
        UserErased = "user.erased",
        /// Requests without a valid token were refused; the entry has their number.
        SignInRefused = "sign_in.refused",
        TokenCreated = "token.created",
        TokenRevoked = "token.revoked",
        /// Claims of a kind of runs were paused.
        QueuePaused = "queue.paused",
        /// Claims of a kind of runs were allowed again.
        QueueResumed = "queue.resumed",
    }
}

words! {
    /// How it went.
    pub enum AuditOutcome: "outcome of the audit log" {
        /// It was done.
        Allowed = "allowed",
        /// It was refused.
        Denied = "denied",
        /// It was tried and failed.
        Failed = "failed",
    }
}

words! {
    /// Who did it.
    pub enum ActorKind: "kind of actor" {
        /// A user, through the API.
        User = "user",
        /// A worker, on behalf of a run's initiator.
        Worker = "worker",
        /// An operator of the installation, on the command line.
        Installation = "installation",
    }
}
