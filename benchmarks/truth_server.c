/* truth_server: a chat-completions server that knows when it sent each event.
 *
 * One thread, epoll, HTTP/1.1 keep-alive, chunked SSE. Every event is written with one send(2) and stamped with
 * CLOCK_MONOTONIC right before it; the clock is the one of Python's time.perf_counter_ns, so a client's stamps
 * on the same machine can be compared directly.
 *
 *   gcc -O2 -o truth_server truth_server.c && ./truth_server        prints "port N" and serves until stdin closes
 *
 * The schedule is the request's model name, a list such as "ttft=50,gap=10,n=64" (or with semicolons):
 *   ttft=MS  first event    gap=MS  between events (0: as fast as the socket takes them)    n=EVENTS
 *   pack=K   events in one send    cut=K  close the socket after K events    fail=K  an error event after K
 *   open=K   a clean end after K events, without finish_reason and [DONE]
 * A request without "stream": true is answered at once with a short document, and not recorded.
 * GET /log    one JSON line a request, then forgotten: {"id","request_ns","sent_ns":[...],"end_ns","cpu_s"}
 * GET /models the usual list
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ID_BYTES = 64, EVENTS_A_TURN = 64, READ_BYTES = 16384 };

typedef struct { double ttft_ms, gap_ms; int n, pack, cut, fail, open; } Schedule;
typedef struct { char id[ID_BYTES]; uint64_t request_ns, end_ns, *sent_ns; int sent; } Record;
typedef struct { char *bytes; int length, capacity; } Buffer;
typedef struct Connection {
    int fd, heap_slot, emitted, streaming, usage, waits_for_socket;
    uint64_t base_ns, due_ns;
    Schedule schedule;
    Buffer in, out;
    int out_offset, record;
} Connection;

static int epoll_fd, timer_fd;
static Record *records; static int record_count, record_capacity;
static Connection **heap; static int heap_count, heap_capacity;

static uint64_t now_ns(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void append(Buffer *b, const char *bytes, int length) {
    if (b->length + length > b->capacity) {
        b->capacity = (b->length + length) * 2 + 4096;
        b->bytes = realloc(b->bytes, (size_t)b->capacity);
    }
    memcpy(b->bytes + b->length, bytes, (size_t)length);
    b->length += length;
}

/* --- who is due next: a binary heap by due time --- */
static void place(int slot, Connection *c) { heap[slot] = c; c->heap_slot = slot; }
static void sift(int slot) {
    Connection *c = heap[slot];
    for (; slot > 0 && heap[(slot - 1) / 2]->due_ns > c->due_ns; slot = (slot - 1) / 2) place(slot, heap[(slot - 1) / 2]);
    for (;;) {
        int child = 2 * slot + 1;
        if (child >= heap_count) break;
        if (child + 1 < heap_count && heap[child + 1]->due_ns < heap[child]->due_ns) child++;
        if (heap[child]->due_ns >= c->due_ns) break;
        place(slot, heap[child]); slot = child;
    }
    place(slot, c);
}
static void unschedule(Connection *c) {
    int slot = c->heap_slot;
    if (slot < 0) return;
    c->heap_slot = -1;
    if (slot != --heap_count) { place(slot, heap[heap_count]); sift(slot); }
}
static void schedule_at(Connection *c, uint64_t due) {
    unschedule(c);
    if (heap_count == heap_capacity) heap = realloc(heap, sizeof *heap * (size_t)(heap_capacity = heap_capacity * 2 + 256));
    c->due_ns = due; place(heap_count++, c); sift(c->heap_slot);
}

/* --- sockets --- */
static void hang_up(Connection *c) {
    unschedule(c);
    if (c->record >= 0 && !records[c->record].end_ns) records[c->record].end_ns = now_ns();
    close(c->fd); free(c->in.bytes); free(c->out.bytes); free(c);
}
/* 1 all sent, 0 the socket is full, -1 the connection is gone (and freed) */
static int flush(Connection *c) {
    while (c->out_offset < c->out.length) {
        ssize_t sent = send(c->fd, c->out.bytes + c->out_offset, (size_t)(c->out.length - c->out_offset), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) { hang_up(c); return -1; }
        int full = sent < 0;
        if (full != c->waits_for_socket) {
            struct epoll_event e = {.events = EPOLLIN | (full ? EPOLLOUT : 0), .data.ptr = c};
            epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e); c->waits_for_socket = full;
        }
        if (full) return 0;
        c->out_offset += (int)sent;
    }
    c->out.length = c->out_offset = 0;
    return 1;
}

/* --- bytes of an answer --- */
static void put_event(Connection *c, const char *json) {
    char line[1024], size[16];
    int length = snprintf(line, sizeof line, "data: %s\n\n", json);
    append(&c->out, size, snprintf(size, sizeof size, "%x\r\n", length));
    append(&c->out, line, length); append(&c->out, "\r\n", 2);
}
static void put_chunk(Connection *c, const char *choices, const char *usage) {
    char json[900];
    snprintf(json, sizeof json, "{\"id\":\"chatcmpl-%d\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"truth\",\"choices\":[%s]%s}", c->record, choices, usage);
    put_event(c, json);
}
static void put_content(Connection *c, int k) {
    char choice[256];
    snprintf(choice, sizeof choice, "{\"index\":0,\"delta\":{%s\"content\":\" w%04d\"},\"logprobs\":null,\"finish_reason\":null}", k ? "" : "\"role\":\"assistant\",", k % 10000);
    put_chunk(c, choice, "");
}
static void put_end(Connection *c) {
    char usage[128];
    put_chunk(c, "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}", "");
    snprintf(usage, sizeof usage, ",\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":%d,\"total_tokens\":%d}", c->schedule.n, c->schedule.n + 16);
    if (c->usage) put_chunk(c, "", usage);
    put_event(c, "[DONE]");
}
static void put_document(Connection *c, const char *type, const char *body, size_t length) {
    char head[160];
    append(&c->out, head, snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n", type, length));
    append(&c->out, body, (int)length);
}

/* Emit what is due; 0 if the connection is gone. */
static int advance(Connection *c) {
    Schedule *s = &c->schedule; Record *r = &records[c->record];
    for (int turn = 0; c->streaming; turn++) {
        if (c->out.length) { int state = flush(c); if (state <= 0) return state == 0; }
        uint64_t t = now_ns();
        if (t < c->due_ns || turn == EVENTS_A_TURN) { schedule_at(c, t < c->due_ns ? c->due_ns : t); return 1; }
        unschedule(c);
        int k = c->emitted;
        if (k == s->cut) { hang_up(c); return 0; }
        int last = k == s->n || k == s->fail || k == s->open;
        if (last) {
            if (k == s->fail) put_event(c, "{\"error\":{\"message\":\"worker ran out of memory\",\"type\":\"server_error\",\"code\":500}}");
            else if (k == s->n) put_end(c);
            append(&c->out, "0\r\n\r\n", 5);
            c->streaming = 0; c->record = -1; r->end_ns = now_ns();
            return flush(c) >= 0;
        }
        for (int j = 0; j < s->pack && c->emitted < s->n; j++) { r->sent_ns[r->sent++] = t; put_content(c, c->emitted++); }
        c->due_ns = s->gap_ms > 0 ? c->base_ns + (uint64_t)((s->ttft_ms + s->gap_ms * c->emitted) * 1e6) : t;
        if (c->emitted == s->n) c->due_ns = t;
    }
    return 1;
}

/* --- requests --- */
static void parse_schedule(Schedule *s, const char *text) {
    *s = (Schedule){.ttft_ms = 50, .gap_ms = 10, .n = 64, .pack = 1, .cut = -1, .fail = -1, .open = -1};
    char copy[256], *rest; snprintf(copy, sizeof copy, "%s", text);
    for (char *item = strtok_r(copy, ",;", &rest); item; item = strtok_r(NULL, ",;", &rest)) {
        char *equals = strchr(item, '='); if (!equals) continue;
        *equals = 0; double value = atof(equals + 1);
        if (!strcmp(item, "ttft")) s->ttft_ms = value; else if (!strcmp(item, "gap")) s->gap_ms = value;
        else if (!strcmp(item, "n")) s->n = (int)value; else if (!strcmp(item, "pack")) s->pack = (int)value;
        else if (!strcmp(item, "cut")) s->cut = (int)value; else if (!strcmp(item, "fail")) s->fail = (int)value;
        else if (!strcmp(item, "open")) s->open = (int)value;
    }
}
static void copy_until(char *to, int size, const char *from, const char *stops) {
    int length = (int)strcspn(from, stops); if (length >= size) length = size - 1;
    memcpy(to, from, (size_t)length); to[length] = 0;
}
static void answer_log(Connection *c) {
    char *text; size_t length; FILE *f = open_memstream(&text, &length); struct rusage u; getrusage(RUSAGE_SELF, &u);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    for (int i = 0; i < record_count; i++) {
        Record *r = &records[i];
        fprintf(f, "{\"id\":\"%s\",\"request_ns\":%lu,\"end_ns\":%lu,\"cpu_s\":%.6f,\"sent_ns\":[", r->id, r->request_ns, r->end_ns, cpu);
        for (int j = 0; j < r->sent; j++) fprintf(f, "%s%lu", j ? "," : "", r->sent_ns[j]);
        fprintf(f, "]}\n"); free(r->sent_ns);
    }
    fclose(f); record_count = 0; put_document(c, "application/x-ndjson", text, length); free(text);
}
static int is_true(const char *body, const char *member) {
    const char *at = strstr(body, member);
    return at && (at += strlen(member))[strspn(at, " :")] == 't';
}
static void answer_whole(Connection *c) {
    const char *m = "{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"truth\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\" w0000\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":1,\"total_tokens\":17}}";
    put_document(c, "application/json", m, strlen(m));
}
static void start_stream(Connection *c, const char *head, const char *body, uint64_t t) {
    char model[256] = "", *at = strstr(body, "\"model\"");
    if (at && (at = strchr(at + 7, '"'))) copy_until(model, sizeof model, at + 1, "\"");
    parse_schedule(&c->schedule, model);
    if (record_count == record_capacity) records = realloc(records, sizeof *records * (size_t)(record_capacity = record_capacity * 2 + 1024));
    Record *r = &records[record_count]; memset(r, 0, sizeof *r);
    r->request_ns = t; r->sent_ns = malloc(sizeof(uint64_t) * (size_t)(c->schedule.n + 1));
    if ((at = strcasestr(head, "x-request-id:"))) { at += 13; copy_until(r->id, sizeof r->id, at + strspn(at, " "), "\r\n\""); }
    c->record = record_count++; c->emitted = 0; c->streaming = 1; c->base_ns = t;
    c->usage = is_true(body, "\"include_usage\"");
    c->due_ns = t + (uint64_t)(c->schedule.ttft_ms * 1e6);
    const char *answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    append(&c->out, answer, (int)strlen(answer));
}
/* Take whole requests from the input; 0 if the connection is gone. */
static int take_requests(Connection *c) {
    while (!c->streaming && c->in.length) {
        append(&c->in, "", 1); c->in.length--;              /* a NUL behind the bytes, for the string functions */
        char *end = strstr(c->in.bytes, "\r\n\r\n"); if (!end) return 1;
        char *size = strcasestr(c->in.bytes, "content-length:");
        int body = size && size < end ? atoi(size + 15) : 0, head = (int)(end - c->in.bytes) + 4;
        if (c->in.length < head + body) return 1;
        uint64_t t = now_ns(); char keep = c->in.bytes[head + body]; c->in.bytes[head + body] = 0;
        if (!strncmp(c->in.bytes, "GET /log", 8)) answer_log(c);
        else if (strstr(c->in.bytes, "/models ")) { const char *m = "{\"object\":\"list\",\"data\":[{\"id\":\"truth\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"byok-bench\"}]}"; put_document(c, "application/json", m, strlen(m)); }
        else if (!is_true(c->in.bytes + head, "\"stream\"")) answer_whole(c);
        else start_stream(c, c->in.bytes, c->in.bytes + head, t);
        c->in.bytes[head + body] = keep; c->in.length -= head + body;
        memmove(c->in.bytes, c->in.bytes + head + body, (size_t)c->in.length);
        if (flush(c) < 0) return 0;
        if (c->streaming && !advance(c)) return 0;
    }
    return 1;
}
static void readable(Connection *c) {
    char bytes[READ_BYTES];
    for (;;) {
        ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) { hang_up(c); return; }
        append(&c->in, bytes, (int)got);
    }
    take_requests(c);
}

int main(void) {
    prctl(PR_SET_TIMERSLACK, 1); prctl(PR_SET_PDEATHSIG, SIGTERM); signal(SIGPIPE, SIG_IGN);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; socklen_t size = sizeof a;
    if (bind(listener, (void *)&a, sizeof a) || listen(listener, 4096) || getsockname(listener, (void *)&a, &size)) { perror("listen"); return 1; }
    epoll_fd = epoll_create1(0); timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int sources[3] = {listener, timer_fd, 0};
    for (int i = 0; i < 3; i++) { struct epoll_event e = {.events = EPOLLIN, .data.ptr = &sources[i]}; epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sources[i], &e); }
    printf("port %d\n", ntohs(a.sin_port)); fflush(stdout);
    struct epoll_event events[512];
    for (;;) {
        struct itimerspec timer = {0};
        if (heap_count) { uint64_t due = heap[0]->due_ns; timer.it_value.tv_sec = (time_t)(due / 1000000000u); timer.it_value.tv_nsec = (long)(due % 1000000000u); }
        timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
        int ready = epoll_wait(epoll_fd, events, 512, -1);
        uint64_t t = now_ns(), ticks;
        for (int i = 0; i < ready; i++) {
            void *source = events[i].data.ptr;
            if (source == &sources[2]) { char end; if (read(0, &end, 1) <= 0) return 0; continue; }
            if (source == &sources[1]) { if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) return 1; continue; }
            if (source == &sources[0]) {
                for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    Connection *c = calloc(1, sizeof *c); c->fd = fd; c->heap_slot = c->record = -1;
                    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c}; epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
                }
                continue;
            }
            Connection *c = source;
            if (events[i].events & EPOLLOUT) { int state = flush(c); if (state < 0) continue; if (state == 1 && c->streaming && !advance(c)) continue; }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
        }
        /* After the sockets: a connection that ends here may still stand in `events`. */
        for (int guard = heap_count; guard-- > 0 && heap_count && heap[0]->due_ns <= t;) { Connection *c = heap[0]; advance(c); }
    }
}
