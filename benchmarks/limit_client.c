/* limit_client: what a bare epoll client can do on this machine; the limit that other clients are held against.
 *
 *   ./limit_client PORT STREAMS ROUNDS MODEL OUT.jsonl
 *
 * Opens STREAMS connections at once, sends ROUNDS requests on each, one after the other, and stamps every read.
 * It neither parses HTTP nor JSON: it counts "data: " and looks for the last HTTP chunk.
 * Writes one line a request: {"id","written_ns","event_ns":[...],"end_ns"}; prints {"wall_s","cpu_s","events"}.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TAIL_BYTES = 6, READ_BYTES = 262144, TRAILING_EVENTS = 3 /* finish, usage, [DONE] carry no output */ };
typedef struct { int fd, rounds, stamps, capacity, number, tail_length; uint64_t written_ns, *stamp_ns; char tail[TAIL_BYTES]; } Stream;

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }

static int request(Stream *s, int number, const char *model) {
    char body[512], text[1024];
    int size = snprintf(body, sizeof body, "{\"model\":\"%s\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", model);
    int length = snprintf(text, sizeof text, "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-request-id: r%d\r\ncontent-length: %d\r\n\r\n%s", number, size, body);
    s->number = number; s->stamps = 0; s->tail_length = 0; s->written_ns = now_ns();
    return send(s->fd, text, (size_t)length, MSG_NOSIGNAL) == length;
}

int main(int count, char **values) {
    if (count != 6) { fprintf(stderr, "usage: limit_client PORT STREAMS ROUNDS MODEL OUT\n"); return 2; }
    int port = atoi(values[1]), streams = atoi(values[2]), rounds = atoi(values[3]), one = 1, number = 0, open_streams = streams;
    const char *model = values[4]; FILE *out = fopen(values[5], "w"); if (!out) { perror(values[5]); return 2; }
    prctl(PR_SET_TIMERSLACK, 1);
    static char bytes[READ_BYTES]; long events_seen = 0; struct epoll_event ready[512];
    Stream *all = calloc((size_t)streams, sizeof *all); int epoll_fd = epoll_create1(0); uint64_t start = now_ns();
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < streams; i++) {
        Stream *s = &all[i]; s->rounds = rounds; s->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(s->fd, (void *)&a, sizeof a)) { perror("connect"); return 1; }
        setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = s}; epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &e);
        if (!request(s, number++, model)) return 1;
    }
    while (open_streams) {
        int n = epoll_wait(epoll_fd, ready, 512, 30000); if (n <= 0) { fprintf(stderr, "silence\n"); return 1; }
        for (int i = 0; i < n; i++) {
            Stream *s = ready[i].data.ptr; memcpy(bytes, s->tail, (size_t)s->tail_length);
            ssize_t got = recv(s->fd, bytes + s->tail_length, sizeof bytes - TAIL_BYTES, MSG_DONTWAIT);
            if (got < 0) continue;
            if (got == 0) { fprintf(stderr, "the server hung up\n"); return 1; }
            uint64_t t = now_ns(); int length = s->tail_length + (int)got; char *at = bytes, *end = bytes + length;
            while ((at = memmem(at, (size_t)(end - at), "data: ", 6))) {
                at += 6; events_seen++;
                if (s->stamps == s->capacity) s->stamp_ns = realloc(s->stamp_ns, sizeof(uint64_t) * (size_t)(s->capacity = s->capacity * 2 + 128));
                s->stamp_ns[s->stamps++] = t;
            }
            int done = length >= 5 && !memcmp(end - 5, "0\r\n\r\n", 5);
            s->tail_length = length < 5 ? length : 5;       /* shorter than the mark, so none is counted twice */
            memmove(s->tail, end - s->tail_length, (size_t)s->tail_length);
            if (!done) continue;
            fprintf(out, "{\"id\":\"r%d\",\"written_ns\":%lu,\"end_ns\":%lu,\"event_ns\":[", s->number, s->written_ns, t);
            for (int j = 0; j < s->stamps - TRAILING_EVENTS; j++) fprintf(out, "%s%lu", j ? "," : "", s->stamp_ns[j]);
            fprintf(out, "]}\n");
            if (--s->rounds) { if (!request(s, number++, model)) return 1; }
            else { close(s->fd); open_streams--; }
        }
    }
    struct rusage u; getrusage(RUSAGE_SELF, &u); fclose(out);
    printf("{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"events\":%ld}\n", (double)(now_ns() - start) / 1e9,
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6, events_seen);
    return 0;
}
