// What the list is narrowed to, and the metric to focus.
export default {
  template: `
    <div class="m-toolbar" role="search" aria-label="Filter the registry">
      <label class="m-search">
        <span class="m-hidden">Search</span>
        <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6" /><path d="m15 15 5 5" /></svg>
        <input type="search" placeholder="Search models, versions, projects" maxlength="200" data-testid="search"
               v-model="text" @input="typed" @keydown.enter="send" />
      </label>
      <label v-for="choice in choices" :key="choice.name" class="m-choice" :class="{ 'm-set': choice.value }">
        <span>{{ choice.label }}</span>
        <select :value="choice.value" :data-testid="choice.name + '-filter'"
                @change="$emit('change', choice.name, $event.target.value)">
          <option value="">All</option>
          <option v-for="option in choice.options" :key="option" :value="option">{{ option }}</option>
        </select>
      </label>
      <label class="m-check">
        <input type="checkbox" :checked="active" data-testid="active-filter"
               @change="$emit('change', 'active', $event.target.checked)" />
        Active only
      </label>
      <span class="m-grow"></span>
      <label class="m-choice m-focus">
        <span>Metric to focus</span>
        <select :value="focus" data-testid="focus-select" @change="$emit('change', 'focus', $event.target.value)">
          <optgroup v-for="group in metrics" :key="group.label" :label="group.label">
            <option v-for="metric in group.metrics" :key="metric.code" :value="metric.code">{{ metric.label }}</option>
          </optgroup>
        </select>
      </label>
    </div>`,
  props: { q: String, choices: Array, active: Boolean, focus: String, metrics: Array },
  emits: ["change"],
  data() {
    return { text: this.q };
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
  },
};
