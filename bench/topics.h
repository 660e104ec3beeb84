// One function a topic; main.cc calls each of them.
#pragma once

#include "bench/harness.h"

namespace headgate::bench {

void bench_codec(Harness& harness);       // codec/encode codec/decode
void bench_append(Harness& harness);      // append/1 append/16 append/64 append-1ms/64
void bench_fold(Harness& harness);        // fold/ proof/ verify/ by 10k, 100k, 1M; start/1M
void bench_audit_page(Harness& harness);  // audit-page/10k audit-page/100k audit-page/1M
void bench_storage(Harness& harness);     // storage/10k storage/100k storage/1M

void bench_promotion(Harness& harness);     // promotion/1 promotion/64 promotion-cpu
void bench_documents(Harness& harness);     // documents/10k documents/one-changed
void bench_decide(Harness& harness);        // decide writer plan-all plan-all/p99 memory/50k
void bench_push_to_plan(Harness& harness);  // push-to-plan
void bench_poll(Harness& harness);          // poll

void bench_command_http(Harness& harness);  // command-http/64
void bench_http_read(Harness& harness);     // http-read/p99 http-read/max
void bench_sse(Harness& harness);           // sse/1000
void bench_history(Harness& harness);       // state-at/1M export/1M
void bench_rollback(Harness& harness);      // rollback

}  // namespace headgate::bench
