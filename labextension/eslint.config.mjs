import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import jsonc from 'jsonc-eslint-parser';
import tseslint from 'typescript-eslint';

// Every rule of Jupyter's plugin, as an error, but those on tests with Galata (there are none).
const everyJupyterRule = Object.fromEntries(
  Object.keys(jupyter.rules)
    .filter(name => !name.startsWith('galata-') && name !== 'no-schema-enum')
    .map(name => [`jupyter/${name}`, 'error'])
);

export default tseslint.config(
  { ignores: ['lib', 'node_modules', 'src/api/schema.ts'] },
  {
    files: ['src/**/*.{ts,tsx}', 'tests/**/*.{ts,tsx}'],
    extends: [
      ...tseslint.configs.strictTypeChecked,
      ...tseslint.configs.stylisticTypeChecked
    ],
    plugins: { jupyter },
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tests/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      ...everyJupyterRule,
      // What activation itself makes: model, panel, status item, renderers. Dialogs, tabs and failures are loaded when first needed.
      'jupyter/prefer-lazy-imports': [
        'error',
        {
          ignoreImports: [
            '../api/requests',
            './commands',
            './item',
            './kernels',
            './model',
            './panel',
            './renderer'
          ]
        }
      ],
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Jupyter's convention: a token and its interface share a name that begins with I.
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'interface', format: ['PascalCase'], prefix: ['I'] }
      ],
      '@typescript-eslint/no-redeclare': 'off',
      // Numbers in texts need no conversion.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true }
      ]
    }
  },
  {
    files: ['tests/**'],
    rules: {
      // Tests hold answers of the server, which no one translates here, and widgets that end with them.
      'jupyter/no-untranslated-string': 'off',
      'jupyter/require-disposable-ownership': 'off'
    }
  },
  {
    files: ['schema/*.json'],
    plugins: { jupyter },
    languageOptions: { parser: jsonc },
    rules: { 'jupyter/no-schema-enum': 'error' }
  },
  prettier
);
