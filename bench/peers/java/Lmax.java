import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;

/**
 * One hop over the LMAX Disruptor: one producer, one consumer that spins, events of 64 bytes made
 * beforehand. It does what it is told on its input, one line each:
 *
 * <pre>
 * SLOTS AMOUNT EVERY_NS BATCH
 * </pre>
 *
 * AMOUNT is how many messages; or, when EVERY_NS is 0 for as fast as it goes, for how many
 * nanoseconds. It answers with four lines: {@code run NS COUNT WRONG}, then
 * {@code response} and {@code service} followed by pairs of nanoseconds and how often, then
 * {@code done}. Its clock is System.nanoTime, whose reading is part of each latency.
 */
public final class Lmax {
    /** Stands in {@code due} of the last message. */
    static final long LAST = Long.MIN_VALUE;
    /** Messages between two looks at the clock. */
    static final int STRIDE = 1_024;

    static final class Event {
        long number;
        long due;
        long sent;
        long a;
        long b;
        long c;
        long d;
        long e;
    }

    /** Notes what comes. */
    static final class Sink implements EventHandler<Event> {
        final CountDownLatch done = new CountDownLatch(1);
        final long[] response;
        final long[] service;
        long next;
        long wrong;
        long sum;
        long end;

        Sink(int places) {
            response = new long[places];
            service = new long[places];
        }

        @Override
        public void onEvent(Event event, long sequence, boolean endOfBatch) {
            if (event.number != next) {
                wrong++;
            }
            if (event.due == LAST) {
                end = System.nanoTime();
                done.countDown();
                return;
            }
            int place = (int) next;
            next++;
            if (response.length > 0) {
                long now = System.nanoTime();
                response[place] = now - event.due;
                service[place] = now - event.sent;
            }
            sum += event.due ^ event.sent;
        }
    }

    private Lmax() {}

    static long sendPaced(RingBuffer<Event> ring, long count, long every) {
        long begin = System.nanoTime() + every;
        for (long number = 0; number < count; number++) {
            long due = begin + number * every;
            long now = System.nanoTime();
            while (now < due) {
                now = System.nanoTime();
            }
            put(ring, number, due, now);
        }
        put(ring, count, LAST, 0);
        return begin;
    }

    static void put(RingBuffer<Event> ring, long number, long due, long sent) {
        long sequence = ring.next();
        fill(ring.get(sequence), number, due, sent);
        ring.publish(sequence);
    }

    static void fill(Event event, long number, long due, long sent) {
        event.number = number;
        event.due = due;
        event.sent = sent;
        event.a = number;
        event.b = number;
        event.c = number;
        event.d = number;
        event.e = number;
    }

    static long sendSaturated(RingBuffer<Event> ring, long time, int batch) {
        long begin = System.nanoTime();
        long number = 0;
        while (number == 0 || System.nanoTime() - begin < time) {
            for (int sent = 0; sent < STRIDE; sent += batch) {
                if (batch == 1) {
                    put(ring, number, begin, number);
                    number++;
                } else {
                    number = putAll(ring, number, begin, batch);
                }
            }
        }
        put(ring, number, LAST, number);
        return begin;
    }

    static long putAll(RingBuffer<Event> ring, long first, long due, int batch) {
        long high = ring.next(batch);
        long low = high - batch + 1;
        long number = first;
        for (long sequence = low; sequence <= high; sequence++) {
            fill(ring.get(sequence), number, due, number);
            number++;
        }
        ring.publish(low, high);
        return number;
    }

    static void run(int slots, long amount, long every, int batch) throws InterruptedException {
        ThreadFactory threads = work -> {
            Thread thread = new Thread(work, "consumer");
            thread.setDaemon(true);
            return thread;
        };
        Disruptor<Event> disruptor = new Disruptor<>(
                Event::new, slots, threads, ProducerType.SINGLE, new BusySpinWaitStrategy());
        Sink sink = new Sink(every > 0 ? (int) amount : 0);
        disruptor.handleEventsWith(sink);
        RingBuffer<Event> ring = disruptor.start();
        long begin = every > 0 ? sendPaced(ring, amount, every) : sendSaturated(ring, amount, batch);
        sink.done.await();
        disruptor.shutdown();
        System.out.println("run " + (sink.end - begin) + " " + sink.next + " " + sink.wrong);
        print("response", sink.response);
        print("service", sink.service);
        System.out.println("done");
        System.out.flush();
    }

    /** Pairs of a value and how often it came. */
    static void print(String name, long[] values) {
        StringBuilder text = new StringBuilder(name);
        Arrays.sort(values);
        for (int first = 0; first < values.length; ) {
            int behind = first;
            while (behind < values.length && values[behind] == values[first]) {
                behind++;
            }
            text.append(' ').append(values[first]).append(' ').append(behind - first);
            first = behind;
        }
        System.out.println(text);
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.trim().split(" ");
            run(Integer.parseInt(words[0]), Long.parseLong(words[1]), Long.parseLong(words[2]),
                    Integer.parseInt(words[3]));
        }
    }
}
