// What a list is narrowed to: a search, values to switch, values to choose, a span of time.
export default {
  template: `
    <div class="m-toolbar m-filters" role="search" :aria-label="label">
      <label v-if="search" class="m-search">
        <span class="m-hidden">Search</span>
        <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6" /><path d="m15 15 5 5" /></svg>
        <input type="search" :placeholder="search" maxlength="200" data-testid="search" v-model="text" @input="typed" @keydown.enter="send" />
      </label>
      <div v-for="group in chips" :key="group.name" class="m-chips" role="group" :aria-label="group.label">
        <button v-for="option in group.options" :key="option.value" type="button" class="m-chip" :class="'m-' + option.tone"
                :aria-pressed="option.set" :title="option.title" :data-testid="group.name + '-' + option.value"
                @click="$emit('change', group.name, option.value)">
          {{ option.label }}<span class="m-tally">{{ option.count }}</span>
        </button>
      </div>
      <button type="button" class="m-button m-fold" :aria-expanded="open" data-testid="more-filters" @click="open = !open">
        Filters<span v-if="narrowed" class="m-count m-info">{{ narrowed }}</span>
      </button>
      <label v-for="choice in choices" :key="choice.name" class="m-choice" :class="{ 'm-set': choice.value, 'm-folded': !open }">
        <span>{{ choice.label }}</span>
        <select :value="choice.value" :data-testid="choice.name + '-filter'"
                @change="$emit('change', choice.name, $event.target.value)">
          <option value="">All</option>
          <option v-for="option in choice.options" :key="option.value" :value="option.value">{{ option.label }}</option>
        </select>
      </label>
      <label v-for="time in times" :key="time.name" class="m-choice m-time" :class="{ 'm-set': time.at !== null, 'm-folded': !open }">
        <span>{{ time.label }}</span>
        <input type="date" :value="day(time)" :data-testid="time.name + '-filter'"
               @change="$emit('change', time.name, moment(time, $event.target.value))" />
      </label>
      <button v-if="filtered" type="button" class="m-button m-plain" data-testid="clear-filters" @click="$emit('clear')">Clear filters</button>
      <span class="m-grow"></span>
      <span class="m-muted m-total" :class="{ 'm-hidden': tallied }" role="status" data-testid="count">{{ total }}</span>
    </div>`,
  props: {
    label: String, search: String, q: { default: "" }, chips: Array, choices: Array, times: Array, filtered: Boolean, total: String,
    // Whether the switches tell the total, so that it is for screen readers only.
    tallied: Boolean,
  },
  emits: ["change", "clear"],
  data() {
    return { text: this.q, open: false };
  },
  computed: {
    narrowed() {
      return [...(this.choices || []), ...(this.times || [])].filter((each) => each.value || (each.at ?? null) !== null).length;
    },
  },
  watch: {
    q(value) {
      if (value !== this.text.trim()) this.text = value;
    },
  },
  methods: {
    typed() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(this.send, 200);
    },
    send() {
      clearTimeout(this.waiting);
      this.$emit("change", "q", this.text.trim());
    },
    // The last day of a span belongs to it, so the span ends where that day does.
    day: ({ at, last }) => mooring.day(last && at !== null ? at - 1 : at),
    moment: ({ last }, day) => (last ? mooring.endOfDay(day) : mooring.startOfDay(day)),
  },
};
