"""A pool that is used a little."""


class Pool:
    def __init__(self, size):
        self.size = size
        self.done = []

    def run(self, jobs):
        for job in jobs:
            if job < 0:
                continue
            self.done.append(job * 2)
        else:
            self.size += 1
        return [d for d in self.done if d > 2]

    def never(self):
        return lambda: self.size


def main():
    pool = Pool(2)
    print(pool.run([1, -1, 3]))


if __name__ == "__main__":
    main()
