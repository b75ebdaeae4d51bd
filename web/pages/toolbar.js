// What the list is narrowed to, and the metric to focus.
export default {
  template: `
    <div class="m-narrow">
      <div class="m-toolbar" role="search" aria-label="Filter the registry">
        <label class="m-search">
          <span class="m-hidden">Search</span>
          <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6" /><path d="m15 15 5 5" /></svg>
          <input type="search" placeholder="Search models, versions, projects" maxlength="200" data-testid="search"
                 v-model="text" @input="typed" @keydown.enter="send" />
        </label>
        <button type="button" class="m-button" :aria-expanded="open" aria-controls="filter-panel" data-testid="filters-button"
                @click="open = !open">
          <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d="M4 6h16M7 12h10M10 18h4" /></svg>
          Filters<span v-if="chips.length" class="m-count m-info" :aria-label="chips.length + ' active'">{{ chips.length }}</span>
        </button>
        <label class="m-check">
          <input type="checkbox" :checked="active === 'true'" data-testid="active-filter"
                 @change="$emit('set', 'active', $event.target.checked ? 'true' : '')" />
          Active only
        </label>
        <slot></slot>
        <span class="m-grow"></span>
        <label class="m-choice m-focus">
          <span>Metric to focus</span>
          <select :value="focus" data-testid="focus-select" @change="$emit('focus', $event.target.value)">
            <optgroup v-for="group in metrics" :key="group.label" :label="group.label">
              <option v-for="metric in group.metrics" :key="metric.code" :value="metric.code">{{ metric.label }}</option>
            </optgroup>
          </select>
        </label>
      </div>
      <section v-show="open" id="filter-panel" class="m-panel-of-filters" aria-label="Filters" data-testid="filter-panel"
               @keydown.esc="close">
        <div v-for="filter in names" :key="filter.name" class="m-field">
          <label :for="'filter-' + filter.name">{{ filter.label }}</label>
          <input :id="'filter-' + filter.name" type="text" autocomplete="off" :list="'known-' + filter.name"
                 :placeholder="filter.values.length ? 'Another one' : hints[filter.name]" v-model="typing[filter.name]"
                 :aria-invalid="!!errors[filter.name]" :aria-describedby="errors[filter.name] ? 'wrong-' + filter.name : null"
                 :data-testid="filter.name + '-filter'" @focus="suggest(filter.name, 0)" @input="picked($event, filter.name)"
                 @keydown.enter.prevent="add(filter.name)" @change="add(filter.name)" />
          <datalist :id="'known-' + filter.name" :data-testid="filter.name + '-known'">
            <template v-if="suggested.name === filter.name">
              <option v-for="each in suggested.values" :key="each.value" :value="each.value">{{ each.called }}</option>
            </template>
          </datalist>
          <p v-if="errors[filter.name]" :id="'wrong-' + filter.name" class="m-wrong" role="alert"
             :data-testid="filter.name + '-wrong'">{{ errors[filter.name] }}</p>
        </div>
        <div v-for="range in ranges" :key="range.name" class="m-field" role="group" :aria-labelledby="'label-' + range.name">
          <span :id="'label-' + range.name" class="m-label">{{ range.label }}</span>
          <div class="m-span">
            <input v-for="(bound, place) in ['least', 'most']" :key="bound" type="text" inputmode="decimal" autocomplete="off"
                   :placeholder="'at ' + bound" :aria-label="range.label + ' at ' + bound" v-model="bounds[range.name][place]"
                   :aria-invalid="!!errors[range.name]" :aria-describedby="errors[range.name] ? 'wrong-' + range.name : null"
                   :data-testid="range.name + '-' + bound" :data-range="range.name" @change="$emit('range', range.name, ...bounds[range.name])" />
          </div>
          <p v-if="errors[range.name]" :id="'wrong-' + range.name" class="m-wrong" role="alert"
             :data-testid="range.name + '-wrong'">{{ errors[range.name] }}</p>
        </div>
        <div class="m-field" role="group" aria-labelledby="label-evaluated">
          <span id="label-evaluated" class="m-label">Evaluated, your time</span>
          <div class="m-span m-stacked">
            <label v-for="time in [['from', 'from', since], ['to', 'before', until]]" :key="time[0]">
              <span>{{ time[1] }}</span>
              <input type="datetime-local" :value="field(time[2])" :aria-invalid="!!errors[time[0]]"
                     :aria-describedby="errors[time[0]] ? 'wrong-' + time[0] : null"
                     :data-testid="time[0] + '-filter'" @change="$emit('set', time[0], at($event.target.value))" />
            </label>
          </div>
          <template v-for="name in ['from', 'to']" :key="name">
            <p v-if="errors[name]" :id="'wrong-' + name" class="m-wrong" role="alert" :data-testid="name + '-wrong'">{{ errors[name] }}</p>
          </template>
        </div>
        <fieldset v-for="filter in choices" :key="filter.name" class="m-field">
          <legend>{{ filter.label }}</legend>
          <label v-for="option in filter.options" :key="option.value" class="m-check">
            <input type="checkbox" :checked="filter.values.includes(option.value)" :data-testid="filter.name + '-' + option.value"
                   @change="$emit($event.target.checked ? 'add' : 'remove', filter.name, option.value)" />
            {{ option.label }}
          </label>
        </fieldset>
        <div class="m-field">
          <template v-for="flag in [['active', 'Active version', active], ['archived', 'Archived', archived]]" :key="flag[0]">
            <label :for="'filter-' + flag[0]">{{ flag[1] }}</label>
            <select :id="'filter-' + flag[0]" :value="flag[2]" :data-testid="flag[0] + '-choice'"
                    @change="$emit('set', flag[0], $event.target.value)">
              <option value="">Yes or no</option><option value="true">Yes</option><option value="false">No</option>
            </select>
          </template>
        </div>
      </section>
      <p v-for="problem in wrong" :key="problem" class="m-left-out" role="alert" data-testid="left-out">
        <b>Left out of the address.</b> {{ problem }}
      </p>
      <ul v-if="chips.length" class="m-chosen" aria-label="Active filters" data-testid="chips">
        <li v-for="chip in chips" :key="chip.name + chip.value" data-testid="chip">
          <span><small v-if="chip.label">{{ chip.label }}</small>{{ said(chip) }}</span>
          <button type="button" :aria-label="'Remove filter ' + chip.label + ' ' + said(chip)" title="Remove"
                  @click="$emit('remove', chip.name, chip.value)">
            <svg viewBox="0 0 24 24" width="12" height="12" aria-hidden="true"><path d="m6 6 12 12M18 6 6 18" /></svg>
          </button>
        </li>
        <li class="m-clear"><button type="button" data-testid="clear-all" @click="$emit('clear')">Clear all</button></li>
      </ul>
    </div>`,
  props: {
    q: String, active: String, archived: String, since: Number, until: Number, names: Array, choices: Array, ranges: Array,
    chips: { default: () => [] }, focus: String, metrics: Array, errors: { default: () => ({}) },
    wrong: { default: () => [] }, suggested: { default: () => ({ name: "", values: [] }) },
  },
  emits: ["focus", "set", "add", "remove", "range", "suggest", "clear"],
  data() {
    return {
      text: this.q, open: false, typing: {},
      bounds: Object.fromEntries(this.ranges.map((range) => [range.name, [...range.bounds]])),
      hints: { project: "Any project", node: "Any node", model: "Any model", algorithm: "Any algorithm", label: "name or name=value" },
    };
  },
  watch: {
    q(value) {
      if (value !== this.text.trim()) this.text = value;
    },
    // A value that was taken leaves its field; one that was not stays, to be mended.
    names(filters, before) {
      for (const { name, values } of filters) {
        const had = before.find((each) => each.name === name).values;
        if (values.length > had.length) this.typing[name] = "";
      }
    },
    // What is being typed stays as it is.
    ranges(ranges, before) {
      ranges.forEach(({ name, label, bounds }, place) => {
        if (before[place].label === label && String(before[place].bounds) === String(bounds)) return;
        const fields = this.$el.querySelectorAll(`[data-range=${name}]`);
        this.bounds[name] = bounds.map((bound, at) => (fields[at] === document.activeElement ? this.bounds[name][at] : bound));
      });
    },
  },
  methods: {
    typed() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(this.send, 200);
    },
    send() {
      clearTimeout(this.waiting);
      this.$emit("set", "q", this.text.trim());
    },
    suggest(name, after_ms) {
      clearTimeout(this.asking);
      this.asking = setTimeout(() => this.$emit("suggest", name, this.typing[name] || ""), after_ms);
    },
    // Taken from the suggestions, rather than typed: nothing more has to be said.
    picked(event, name) {
      const typed = event.inputType && event.inputType !== "insertReplacementText";
      if (typed) this.suggest(name, 120);
      else if (this.suggested.values.some((each) => each.value === event.target.value)) this.add(name);
    },
    add(name) {
      const value = (this.typing[name] || "").trim();
      if (value) this.$emit("add", name, value);
    },
    close() {
      this.open = false;
      this.$el.querySelector("[aria-controls=filter-panel]").focus();
    },
    said: (chip) => (chip.at === undefined ? chip.text : mooring.date(chip.at)),
    // Between epoch milliseconds and what a field for date and time holds, in the browser's time zone.
    field: (at) => (at ? new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : ""),
    at: (text) => (text ? new Date(text).getTime() : ""),
  },
};
