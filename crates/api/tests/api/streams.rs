//! Streams of events, as a client reads them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use atlas_domain::access::Role;
use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Completion, InventoryProgress, ProgressPhase};
use atlas_store::Retention;
use atlas_test_support::{Member, eventually};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::harness::{Api, ONE_TYPE, Stage, queue};

/// How long a message may take that is due at once. Long, so that a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// Five seconds, with what the machine and the requests themselves may take.
const ENDS_WITHIN: Duration = Duration::from_secs(7);
/// A lease that no test outlives.
const LEASE: Duration = Duration::from_secs(120);

/// A message of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    /// Empty for an event of the log.
    name: String,
    id: Option<String>,
    data: Value,
}

/// A stream that is read message by message.
struct Stream {
    response: Response,
    unread: String,
}

/// The message of a block of lines; nothing for a comment.
fn message(block: &str) -> Option<Message> {
    let mut fields = BTreeMap::new();
    for line in block.lines() {
        let (name, value) = line.split_once(':').unwrap();
        fields.insert(name.to_owned(), value.trim_start().to_owned());
    }
    Some(Message {
        name: fields.get("event").cloned().unwrap_or_default(),
        id: fields.get("id").cloned(),
        data: serde_json::from_str(fields.get("data")?).unwrap(),
    })
}

/// The next message of what was read, if it is complete. Comments are left out.
fn take_message(unread: &mut String) -> Option<Message> {
    loop {
        let end = unread.find("\n\n")?;
        let block: String = unread.drain(..end + 2).collect();
        if let Some(message) = message(block.trim_end()) {
            return Some(message);
        }
    }
}

impl Stream {
    async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-accel-buffering"), "no");
        assert!(!response.headers().contains_key("content-encoding"));
        Self {
            response,
            unread: String::new(),
        }
    }

    /// The next message; nothing after the last one.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = take_message(&mut self.unread) {
                return Some(message);
            }
            let read = timeout(PATIENCE, self.response.chunk()).await;
            let chunk = read.expect("no message comes").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next message, which has this name.
    async fn named(&mut self, name: &str) -> Message {
        let message = self.next().await.unwrap();
        assert_eq!(message.name, name, "{message:?}");
        message
    }

    /// The next event of the log. Progress before it is left out.
    async fn event(&mut self) -> Message {
        loop {
            let message = self.next().await.unwrap();
            if message.name != "progress" {
                assert_eq!(message.name, "", "{message:?}");
                assert_eq!(message.data["cursor"], json!(message.id));
                return message;
            }
        }
    }

    /// Progress, once it says so. Events before it are kept.
    async fn progress(&mut self, items_seen: u64, events: &mut Vec<Message>) -> Value {
        loop {
            let message = self.next().await.unwrap();
            match message.name.as_str() {
                "progress" if message.data["items_seen"] == items_seen => return message.data,
                "progress" => {}
                _ => events.push(message),
            }
        }
    }

    /// The last message, for this reason, and no more.
    async fn ends(&mut self, reason: &str) {
        let end = self.named("end").await;
        assert_eq!(end.data, json!({ "reason": reason }));
        assert_eq!(self.next().await, None);
    }
}

impl Api {
    fn stream(&self, path: &str, member: &Member) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(&member.token)
    }
}

impl Stage {
    async fn stream(&self, path: &str) -> Stream {
        Stream::open(self.api.stream(path, &self.operator)).await
    }

    async fn queued_run(&self) -> RunId {
        let (tenant, user) = (self.tenant.id, self.operator.id);
        self.scenario.queued_run(tenant, user, ONE_TYPE).await
    }

    async fn report(&self, claim: &Claim, progress: InventoryProgress) {
        let progress = progress.into();
        let beat = self.store.heartbeat(&claim.lease, LEASE, Some(&progress));
        beat.await.unwrap();
    }

    async fn finish(&self, claim: Claim) {
        let completion = Completion::of_results(&[]);
        self.store.finish(claim, &completion, None).await.unwrap();
    }

    /// Another process over the same database.
    fn another_api(&self) -> Api {
        Api::start(
            &self.database,
            &queue(self.redis.url(), &self.redis),
            |_| {},
        )
    }

    async fn ticket(&self) -> String {
        let issued = self
            .api
            .post("/me/stream-tickets", &self.operator.token, "");
        let issued = issued.await;
        assert_eq!(issued.status, 201, "{issued:?}");
        issued.body["ticket"].as_str().unwrap().to_owned()
    }
}

fn of_run(run: RunId) -> String {
    format!("/operation-runs/{run}/stream")
}

fn collecting(completed: u32, items_seen: u64) -> InventoryProgress {
    InventoryProgress {
        phase: ProgressPhase::Collecting,
        completed,
        total: 38,
        items_seen,
        ..InventoryProgress::default()
    }
}

fn types(messages: &[Message]) -> Vec<&str> {
    let types = messages.iter().map(|one| one.data["type"].as_str());
    types.map(|one| one.unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_run_is_followed_from_the_queue_to_its_end() {
    let stage = Stage::set().await;
    let run = stage.queued_run().await;
    let mut stream = stage.stream(&of_run(run)).await;
    let snapshot = stream.named("snapshot").await;
    let shown = snapshot.data["operation_runs"].as_array().unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["id"], run.to_string());
    assert_eq!(shown[0]["status"], "queued");
    assert_eq!(shown[0].get("selection"), None);

    let claim = stage.claimed().await;
    let mut events = vec![stream.event().await];
    stage.report(&claim, collecting(3, 120)).await;
    let progress = stream.progress(120, &mut events).await;
    assert_eq!(
        (&progress["phase"], &progress["completed"]),
        (&json!("collecting"), &json!(3))
    );
    stage.report(&claim, collecting(3, 121)).await;
    let progress = stream.progress(121, &mut events).await;
    assert_eq!(
        progress,
        json!({"items_seen": 121}),
        "only what has changed"
    );
    stage.finish(claim).await;
    while events.len() < 3 {
        events.push(stream.event().await);
    }
    stream.ends("run_ended").await;
    assert_eq!(
        types(&events),
        [
            "operation_run.claimed",
            "operation_run.phase_reached",
            "operation_run.completed"
        ]
    );
    // The same as its pages have.
    let path = format!("/operation-runs/{run}/events");
    let pages = stage.get(&path).await;
    let streamed: Vec<Value> = events.into_iter().map(|event| event.data).collect();
    assert_eq!(streamed, pages.items()[1..]);
    // A stream of a run that has ended shows how it ended, and ends.
    let mut late = stage.stream(&of_run(run)).await;
    let snapshot = late.named("snapshot").await;
    assert_eq!(snapshot.data["operation_runs"][0]["status"], "completed");
    late.ends("run_ended").await;
}

#[tokio::test]
async fn another_process_continues_a_stream_with_exactly_the_rest() {
    let stage = Stage::set().await;
    let run = stage.queued_run().await;
    let mut cut = stage.stream(&of_run(run)).await;
    let snapshot = cut.named("snapshot").await.id.unwrap();
    let claim = stage.claimed().await;
    let claimed = cut.event().await;
    drop(cut);
    stage.report(&claim, collecting(1, 1)).await;
    let other = stage.another_api();
    let again = other
        .stream(&of_run(run), &stage.operator)
        .header("last-event-id", claimed.id.as_ref().unwrap());
    let mut again = Stream::open(again).await;
    let shown = again.named("snapshot").await;
    assert_eq!(shown.id, claimed.id, "what was not sent yet is not passed");
    assert_eq!(shown.data["operation_runs"][0]["status"], "running");
    let mut rest = vec![again.event().await];
    stage.finish(claim).await;
    rest.push(again.event().await);
    again.ends("run_ended").await;
    assert_eq!(
        types(&rest),
        ["operation_run.phase_reached", "operation_run.completed"]
    );
    // The header is later than the cursor of the address, and nothing is missed after the last event.
    let after = |id: &str| {
        let path = format!("{}?cursor={snapshot}", of_run(run));
        let request = other.stream(&path, &stage.operator);
        request.header("last-event-id", id.to_owned())
    };
    let missed = after(rest[0].id.as_ref().unwrap());
    let mut missed = Stream::open(missed).await;
    missed.named("snapshot").await;
    assert_eq!(missed.event().await, rest[1]);
    missed.ends("run_ended").await;
    let nothing = other.send(after(rest[1].id.as_ref().unwrap())).await;
    assert_eq!(nothing.status, 204, "{nothing:?}");
    let unknown = other.send(after("WzFd")).await;
    unknown.is_problem(400, "validation_failed");
    assert_eq!(unknown.bad_place(), "Last-Event-ID");
}

#[tokio::test]
async fn streams_of_a_tenant_and_of_the_caller_have_what_their_pages_have() {
    let stage = Stage::set_without_redis().await;
    let colleague = stage.scenario.member(stage.tenant.id, Role::Operator).await;
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    let other = stage.scenario.member(elsewhere.id, Role::Operator).await;
    stage.queued_run().await;
    let path = stage.path("stream");
    let mut of_tenant = Stream::open(stage.api.stream(&path, &colleague)).await;
    let mut mine = stage.stream("/me/stream").await;
    let mut of_colleague = Stream::open(stage.api.stream("/me/stream", &colleague)).await;
    let shown = of_tenant.named("snapshot").await.data;
    assert_eq!(shown["operation_runs"].as_array().unwrap().len(), 1);
    assert_eq!(shown.get("unread_notifications"), None);
    let shown = mine.named("snapshot").await.data;
    assert_eq!(shown["operation_runs"].as_array().unwrap().len(), 1);
    assert_eq!(shown["unread_notifications"], 1);
    let shown = of_colleague.named("snapshot").await.data;
    assert_eq!(shown["operation_runs"], json!([]));

    // What happens in another tenant is none of theirs.
    stage
        .scenario
        .queued_run(elsewhere.id, other.id, ONE_TYPE)
        .await;
    let first = stage.claimed().await;
    let second = stage.claimed().await;
    let (claim, foreign) = match first.lease.tenant_id == stage.tenant.id {
        true => (first, second),
        false => (second, first),
    };
    let run = claim.lease.run_id;
    stage.finish(foreign).await;
    stage.report(&claim, collecting(2, 7)).await;
    for stream in [&mut of_tenant, &mut mine] {
        let mut events = Vec::new();
        let progress = stream.progress(7, &mut events).await;
        assert_eq!(progress["operation_run_id"], run.to_string());
        while events.len() < 2 {
            events.push(stream.event().await);
        }
        assert_eq!(
            types(&events),
            ["operation_run.claimed", "operation_run.phase_reached"]
        );
    }
    stage.finish(claim).await;
    let mut streamed = vec![of_tenant.event().await];
    let pages = stage.get(&stage.path("events")).await;
    assert_eq!(streamed.pop().unwrap().data, *pages.items().last().unwrap());
    let mut streamed = Vec::new();
    for _ in 0..2 {
        streamed.push(mine.event().await.data);
    }
    let pages = stage.get("/me/events").await;
    let last = pages.items().len() - 2;
    assert_eq!(streamed, pages.items()[last..]);
    // A notification of somebody else is not in a colleague's stream: the next event there is their own.
    stage
        .scenario
        .queued_run(stage.tenant.id, colleague.id, ONE_TYPE)
        .await;
    let own = of_colleague.event().await;
    assert_eq!(own.data["type"], "operation_run.queued");
}

#[tokio::test]
async fn whoever_loses_access_loses_their_streams_within_five_seconds() {
    let stage = Stage::set().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let member = async || stage.scenario.member(tenant, Role::Operator).await;
    let (left, revoked, disabled) = (member().await, member().await, member().await);
    let run = stage.queued_run().await;
    let open = async |path: &str, member: &Member| {
        let mut stream = Stream::open(stage.api.stream(path, member)).await;
        stream.named("snapshot").await;
        stream
    };
    let mut streams = vec![
        open(&stage.path("stream"), &left).await,
        open(&of_run(run), &left).await,
        open("/me/stream", &revoked).await,
        open("/me/stream", &disabled).await,
    ];
    let mut of_left = open("/me/stream", &left).await;
    let mut kept = open(&stage.path("stream"), &stage.operator).await;
    let since = Instant::now();
    store.remove_member(tenant, left.id).await.unwrap();
    store.revoke_tokens(revoked.id).await.unwrap();
    store.disable_user(disabled.id).await.unwrap();
    for stream in &mut streams {
        stream.ends("access_ended").await;
    }
    assert!(since.elapsed() < ENDS_WITHIN, "{:?}", since.elapsed());
    // The others go on, and the caller's own has no more of the tenant.
    let claim = stage.claimed().await;
    assert_eq!(kept.event().await.data["type"], "operation_run.claimed");
    let back = store.set_member(tenant, left.id, Role::Operator);
    back.await.unwrap();
    stage.finish(claim).await;
    assert_eq!(kept.event().await.data["type"], "operation_run.completed");
    stage.scenario.queued_run(tenant, left.id, ONE_TYPE).await;
    assert_eq!(of_left.event().await.data["type"], "operation_run.queued");
}

#[tokio::test]
async fn a_callers_own_stream_has_nothing_of_a_tenant_that_they_left() {
    let stage = Stage::set().await;
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    let (store, user) = (&stage.store, stage.operator.id);
    let role = store.set_member(elsewhere.id, user, Role::Operator);
    role.await.unwrap();
    stage.queued_run().await;
    let mut mine = stage.stream("/me/stream").await;
    mine.named("snapshot").await;
    store.remove_member(stage.tenant.id, user).await.unwrap();
    let claim = stage.claimed().await;
    stage.report(&claim, collecting(1, 1)).await;
    stage.finish(claim).await;
    stage
        .scenario
        .queued_run(elsewhere.id, user, ONE_TYPE)
        .await;
    let next = mine.next().await.unwrap();
    assert_eq!(next.data["tenant_id"], elsewhere.id.to_string(), "{next:?}");
}

#[tokio::test]
async fn a_ticket_opens_one_stream_once_and_nothing_else() {
    let stage = Stage::set().await;
    let by_ticket = |path: &str, ticket: &str| {
        let path = format!("{path}?ticket={ticket}");
        stage.api.request(Method::GET, &path)
    };
    let ticket = stage.ticket().await;
    for path in ["/me", "/me/events", &stage.path("events")] {
        let refused = stage.api.send(by_ticket(path, &ticket)).await;
        refused.is_problem(401, "unauthenticated");
    }
    let mut stream = Stream::open(by_ticket(&stage.path("stream"), &ticket)).await;
    stream.named("snapshot").await;
    for used in [ticket.as_str(), "tst_nonsense", ""] {
        let refused = stage.api.send(by_ticket("/me/stream", used)).await;
        refused.is_problem(401, "unauthenticated");
    }
    // A tenant of others is hidden, and the ticket is used up by asking.
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let ticket = stage.ticket().await;
    let foreign = by_ticket(&format!("/tenants/{elsewhere}/stream"), &ticket);
    let foreign = stage.api.send(foreign).await;
    foreign.is_problem(404, "not_found");

    let late = stage.ticket().await;
    let connection = stage.database.connection().await;
    let statement = "UPDATE stream_tickets SET expires_at = clock_timestamp()";
    assert_eq!(connection.execute(statement, &[]).await.unwrap(), 1);
    let refused = stage.api.send(by_ticket("/me/stream", &late)).await;
    refused.is_problem(401, "unauthenticated");

    // A stream by ticket is worth what the token is.
    let unused = stage.ticket().await;
    stage.store.revoke_tokens(stage.operator.id).await.unwrap();
    stream.ends("access_ended").await;
    let refused = stage.api.send(by_ticket("/me/stream", &unused)).await;
    refused.is_problem(401, "token_revoked");
}

#[tokio::test]
async fn a_caller_has_only_so_many_streams_and_gets_another_when_one_is_closed() {
    let stage = Stage::set_with(|options| options.streams_per_user = 2).await;
    let first = stage.stream("/me/stream").await;
    let _second = stage.stream(&stage.path("stream")).await;
    let third = stage.get("/me/stream").await;
    third.is_problem(429, "too_many_streams");
    assert_eq!(third.header("retry-after"), "10");
    let colleague = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let theirs = stage.api.stream("/me/stream", &colleague);
    drop(Stream::open(theirs).await);
    drop(first);
    eventually("room for another stream", async || {
        let answer = stage.api.stream("/me/stream", &stage.operator).send().await;
        (answer.unwrap().status() == 200).then_some(())
    })
    .await;
    // What is asked for by HEAD leaves no stream behind.
    for _ in 0..3 {
        let request = stage.api.request(Method::HEAD, "/me/stream");
        let head = request.bearer_auth(&colleague.token).send().await.unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(head.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_cursor_from_which_the_log_does_not_continue_is_answered_with_resync_and_the_state() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let old = stage.get(&stage.path("events")).await.items()[0]["cursor"].clone();
    // As after a restore: the same positions are given again.
    let connection = stage.database.connection().await;
    let again = "UPDATE event_numberings SET mark = mark + 1 WHERE last_position > 0; \
        UPDATE events SET mark = mark + 1";
    connection.batch_execute(again).await.unwrap();
    let path = format!("{}?cursor={}", stage.path("stream"), old.as_str().unwrap());
    let mut stream = stage.stream(&path).await;
    assert_eq!(stream.named("resync").await.data, json!({}));
    let snapshot = stream.named("snapshot").await;
    stage.queued_run().await;
    let queued = stream.event().await;
    assert_eq!(queued.data["type"], "operation_run.queued");
    // What the snapshot continues from is of this log.
    let path = format!("{}?cursor={}", stage.path("stream"), snapshot.id.unwrap());
    let mut continued = stage.stream(&path).await;
    continued.named("snapshot").await;
    assert_eq!(continued.event().await, queued);
}

#[tokio::test]
async fn a_cursor_from_before_what_is_kept_is_answered_with_resync() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let events = stage.get(&stage.path("events")).await;
    let old = events.items()[0]["cursor"].as_str().unwrap();
    // The newest part of the log is always kept.
    stage.synced(1).await;
    stage.get(&stage.path("events")).await;
    let connection = stage.database.connection().await;
    let long_ago =
        "UPDATE event_numberings SET numbered_at = clock_timestamp() - interval '40 days'";
    connection.batch_execute(long_ago).await.unwrap();
    let days = |days: u64| Duration::from_secs(86_400 * days);
    let retention = Retention {
        runs: days(90),
        notifications: days(90),
        audit: days(400),
        changes: days(200),
        versions: days(200),
        deliveries: days(200),
        events: days(30),
    };
    stage.store.prune(&retention, 500).await.unwrap();
    let mut stream = stage.stream(&format!("/me/stream?cursor={old}")).await;
    stream.named("resync").await;
    stream.named("snapshot").await;
    stage.queued_run().await;
    assert_eq!(stream.event().await.data["type"], "operation_run.queued");
}

#[tokio::test]
async fn a_process_that_stops_ends_its_streams_and_another_one_continues_them() {
    let stage = Stage::set().await;
    let stopping = stage.another_api();
    let path = stage.path("stream");
    let mut stream = Stream::open(stopping.stream(&path, &stage.operator)).await;
    let id = stream.named("snapshot").await.id.unwrap();
    drop(stopping);
    stream.ends("shutdown").await;
    stage.queued_run().await;
    let again = stage.api.stream(&path, &stage.operator);
    let mut again = Stream::open(again.header("last-event-id", id)).await;
    again.named("snapshot").await;
    assert_eq!(again.event().await.data["type"], "operation_run.queued");
}

/// Everything that a connection to the API receives for this request.
async fn received(stage: &Stage, path: &str, receive_buffer: u32) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(receive_buffer).unwrap();
    let address = stage.api.base.strip_prefix("http://").unwrap();
    let mut connection = socket.connect(address.parse().unwrap()).await.unwrap();
    let token = &stage.operator.token;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

/// Chunks are undone, and the head is left out.
fn body_of(received: &[u8]) -> String {
    let text = String::from_utf8_lossy(received);
    let mut rest = text.split_once("\r\n\r\n").unwrap().1;
    let mut body = String::new();
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(whole) = chunk.get(..size) else {
            break;
        };
        body.push_str(whole);
        rest = chunk.get(size + 2..).unwrap_or_default();
    }
    body
}

#[tokio::test]
async fn a_caller_that_does_not_read_holds_up_nobody_and_misses_nothing_later() {
    const EVENTS: usize = 12_000;
    let stage = Stage::set().await;
    let path = stage.path("stream");
    let mut slow = received(&stage, &path, 4096).await;
    let mut start = vec![0; 4096];
    let read = slow.read(&mut start).await.unwrap();
    start.truncate(read);
    let mut quick = stage.stream(&path).await;
    quick.named("snapshot").await;
    let connection = stage.database.connection().await;
    let many = "INSERT INTO pending_events (id, event_type, tenant_id, data)
        SELECT gen_random_uuid(), 'test.numbered', $1, '{}' FROM generate_series(1, $2::integer)";
    let (tenant, count) = (stage.tenant.id.into_uuid(), i32::try_from(EVENTS).unwrap());
    connection.execute(many, &[&tenant, &count]).await.unwrap();
    let mut ids = Vec::new();
    while ids.len() < EVENTS {
        ids.push(quick.event().await.data["id"].clone());
    }
    stage.queued_run().await;
    let last = quick.event().await;
    // The stream goes on from where its caller was: the buffers of a connection hold four megabytes at
    // most, and the channel a few hundred events.
    ids.push(last.data["id"].clone());
    let length = last.data.to_string().len();
    assert!(EVENTS * length > 5 << 20, "{length}");
    let (mut buffer, mut messages) = (vec![0; 1 << 16], Vec::new());
    let last = last.id.unwrap();
    while messages.len() < EVENTS + 2 {
        let read = timeout(PATIENCE, slow.read(&mut buffer)).await;
        let read = read.expect("the rest comes").unwrap();
        assert!(read > 0, "the stream goes on");
        start.extend_from_slice(&buffer[..read]);
        let tail = &start[start.len().saturating_sub(2 * length)..];
        if String::from_utf8_lossy(tail).contains(&last) {
            let body = body_of(&start);
            let (complete, _) = body.rsplit_once("\n\n").unwrap();
            messages = complete.split("\n\n").filter_map(message).collect();
        }
    }
    assert_eq!(messages[0].name, "snapshot");
    let events = messages[1..].iter();
    let seen: Vec<Value> = events.map(|event| event.data["id"].clone()).collect();
    assert!(seen == ids, "each event once, in the order of the log");
}

#[tokio::test]
async fn following_a_run_of_thirty_seconds_costs_one_request_and_eight_kilobytes() {
    // A worker reports progress once a second at most: thirty reports, without the waiting between them.
    let gap = Duration::from_millis(20);
    let stage = Stage::set_with(|options| options.progress_interval = gap).await;
    let run = stage.queued_run().await;
    let mut connection = received(&stage, &of_run(run), 1 << 20).await;
    let mut received = Vec::new();
    let mut until = async |marker: &str| {
        let mut buffer = vec![0; 1 << 14];
        while !String::from_utf8_lossy(&received).contains(marker) {
            let read = timeout(PATIENCE, connection.read(&mut buffer)).await;
            let read = read.expect(marker).unwrap();
            received.extend_from_slice(&buffer[..read]);
            if read == 0 {
                break;
            }
        }
        received.clone()
    };
    until("event: snapshot").await;
    let claim = stage.claimed().await;
    until("operation_run.claimed").await;
    for second in 1..=30_u32 {
        let phase = match second {
            1..=2 => ProgressPhase::Planning,
            3..=27 => ProgressPhase::Collecting,
            _ => ProgressPhase::Finishing,
        };
        let items_seen = 1_000 + u64::from(second * 137);
        let progress = InventoryProgress {
            phase,
            ..collecting(second, items_seen)
        };
        stage.report(&claim, progress).await;
        until(&format!("\"items_seen\":{items_seen}")).await;
    }
    stage.finish(claim).await;
    let all = until("there is no such text").await;
    let text = String::from_utf8_lossy(&all);
    assert_eq!(text.matches("event: progress").count(), 30, "{text}");
    assert!(text.contains("run_ended"), "{text}");
    assert!(all.len() <= 8_000, "{} bytes:\n{text}", all.len());
}

#[tokio::test]
async fn progress_is_sent_twice_a_second_at_most() {
    let stage = Stage::set().await;
    let run = stage.queued_run().await;
    let mut stream = stage.stream(&of_run(run)).await;
    stream.named("snapshot").await;
    let claim = stage.claimed().await;
    assert_eq!(stream.event().await.data["type"], "operation_run.claimed");
    let since = Instant::now();
    for at in 1..=200_u32 {
        stage.report(&claim, collecting(1, at.into())).await;
    }
    stage.report(&claim, collecting(2, 1_000)).await;
    let mut count = 0_u32;
    loop {
        let message = stream.next().await.unwrap();
        count += u32::from(message.name == "progress");
        if message.data["items_seen"] == 1_000 {
            break;
        }
    }
    let most = since.elapsed().as_secs_f64() * 2.0 + 1.0;
    assert!(f64::from(count) <= most, "{count} in {:?}", since.elapsed());
}
