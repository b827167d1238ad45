'use strict';

class Queue {
  constructor() {
    this.items = [];
  }

  push(item) {
    if (item === undefined) {
      throw new Error('nothing');
    }
    this.items.push(item);
    return this;
  }

  async drain(each) {
    while (this.items.length) await each(this.items.shift());
  }
}

const twice = (n) => n * 2;
const never = (n, m) => (n ? m : n);

new Queue().push(1).push(2).drain((n) => console.log(twice(n)));
