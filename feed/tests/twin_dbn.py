"""A naive book in Python over Databento's own decoder: the twin of `dbn::format_row`.

Usage: twin_dbn.py FILE LEVELS SYMBOL > CSV

One row after each event's last message (F_LAST) of the symbol, every level the sum over its orders.
A cancel reduces an order, a modify places it anew, fills and trades change nothing.
"""

import sys
from collections import defaultdict
from decimal import Decimal

import databento_dbn as dbn


def unpacked(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] != b"\x28\xb5\x2f\xfd":
        return dbn.DBNDecoder(), data
    return dbn.DBNDecoder(compression=dbn.Compression.ZSTD), data


def ids_of(metadata, symbol):
    for name, intervals in metadata.mappings.items():
        if name == symbol:
            return {int(interval["symbol"]) for interval in intervals}
    raise SystemExit(f"{symbol} is not in the file")


def price_text(raw):
    text = str(Decimal(raw) / Decimal(10**9))
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def main(path, levels, symbol):
    decoder, data = unpacked(path)
    decoder.write(data)
    records = decoder.decode()
    ids = ids_of(records[0], symbol)
    orders = {}
    totals = {"A": defaultdict(int), "B": defaultdict(int)}

    def change(order, sign):
        side, price, size = order
        totals[side][price] += sign * size
        if totals[side][price] == 0:
            del totals[side][price]

    columns = ["ts_event", "sequence"]
    for level in range(levels):
        for name in ("ask_px", "ask_sz", "bid_px", "bid_sz"):
            columns.append(f"{name}_{level:02}")
    out = [",".join(columns)]
    for record in records[1:]:
        if not isinstance(record, dbn.MBOMsg) or record.instrument_id not in ids:
            continue
        action, side, key = str(record.action), str(record.side), record.order_id
        if action == "R":
            orders.clear()
            for levels_of_side in totals.values():
                levels_of_side.clear()
        elif action == "A":
            assert key not in orders, f"order {key} twice"
            orders[key] = (side, record.price, record.size)
            change(orders[key], +1)
        elif action == "M":
            change(orders[key], -1)
            orders[key] = (side, record.price, record.size)
            change(orders[key], +1)
        elif action == "C":
            change(orders[key], -1)
            old_side, price, size = orders.pop(key)
            if size > record.size:
                orders[key] = (old_side, price, size - record.size)
                change(orders[key], +1)
        if int(record.flags) & 128:
            row = [str(record.ts_event), str(record.sequence)]
            asks = sorted(totals["A"].items())[:levels]
            bids = sorted(totals["B"].items(), reverse=True)[:levels]
            for level in range(levels):
                for levels_of_side in (asks, bids):
                    if level < len(levels_of_side):
                        price, size = levels_of_side[level]
                        row += [price_text(price), str(size)]
                    else:
                        row += ["", ""]
            out.append(",".join(row))
    print("\n".join(out))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
